#include <nanobind/nanobind.h>

#include <stdexcept>
#include <utility>

#include "exports.h"

namespace nb = nanobind;

namespace {

template <void (*Close)(void *)>
class Owned {
  public:
    explicit Owned(void *raw) : raw_(raw) {}
    Owned(const Owned &) = delete;
    Owned &operator=(const Owned &) = delete;
    ~Owned() { close(); }

    void *raw() const { return raw_; }

    void close() {
        void *raw = std::exchange(raw_, nullptr);
        if (!raw) return;
        nb::gil_scoped_release released;
        Close(raw);
    }

  private:
    void *raw_;
};

using System = Owned<HcsCloseComputeSystem>;
using Operation = Owned<HcsCloseOperation>;

nb::str properties(const System &system) {
    hcsrt_char *document = nullptr;
    {
        nb::gil_scoped_release released;
        hcsrt_operation operation = HcsCreateOperation(nullptr, nullptr);
        hcsrt_result result = HcsGetComputeSystemProperties(system.raw(), operation, nullptr);
        if (result >= 0) result = HcsWaitForOperationResult(operation, 0xFFFFFFFFu, &document);
        HcsCloseOperation(operation);
        if (result < 0) throw std::runtime_error("HcsGetComputeSystemProperties");
    }
    PyObject *text = PyUnicode_DecodeUTF16(reinterpret_cast<const char *>(document),
                                           static_cast<Py_ssize_t>(2 * length_of(document)), nullptr, nullptr);
    LocalFree(document);
    if (!text) throw nb::python_error();
    return nb::steal<nb::str>(text);
}

}  // namespace

NB_MODULE(nanobind_handles, module) {
    nb::class_<System>(module, "System")
        .def(
            "__init__", [](System *self, uintptr_t raw) { new (self) System(reinterpret_cast<void *>(raw)); },
            nb::arg().noconvert())
        .def("close", &System::close);
    nb::class_<Operation>(module, "Operation")
        .def("__init__", [](Operation *self) { new (self) Operation(HcsCreateOperation(nullptr, nullptr)); })
        .def("close", &Operation::close);
    module.def(
        "operation_id", [](const Operation &operation) { return HcsGetOperationId(operation.raw()); },
        nb::call_guard<nb::gil_scoped_release>());
    module.def("properties", properties);
}
