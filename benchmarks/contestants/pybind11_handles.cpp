#include <pybind11/pybind11.h>

#include <stdexcept>
#include <utility>

#include "exports.h"

namespace py = pybind11;

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
        py::gil_scoped_release released;
        Close(raw);
    }

  private:
    void *raw_;
};

using System = Owned<HcsCloseComputeSystem>;
using Operation = Owned<HcsCloseOperation>;

py::str properties(const System &system) {
    hcsrt_char *document = nullptr;
    {
        py::gil_scoped_release released;
        hcsrt_operation operation = HcsCreateOperation(nullptr, nullptr);
        hcsrt_result result = HcsGetComputeSystemProperties(system.raw(), operation, nullptr);
        if (result >= 0) result = HcsWaitForOperationResult(operation, 0xFFFFFFFFu, &document);
        HcsCloseOperation(operation);
        if (result < 0) throw std::runtime_error("HcsGetComputeSystemProperties");
    }
    PyObject *text = PyUnicode_DecodeUTF16(reinterpret_cast<const char *>(document),
                                           static_cast<Py_ssize_t>(2 * length_of(document)), nullptr, nullptr);
    LocalFree(document);
    if (!text) throw py::error_already_set();
    return py::reinterpret_steal<py::str>(text);
}

}  // namespace

PYBIND11_MODULE(pybind11_handles, module, py::mod_gil_not_used()) {
    py::class_<System>(module, "System")
        .def(py::init([](uintptr_t raw) { return new System(reinterpret_cast<void *>(raw)); }), py::arg().noconvert())
        .def("close", &System::close);
    py::class_<Operation>(module, "Operation")
        .def(py::init([] { return new Operation(HcsCreateOperation(nullptr, nullptr)); }))
        .def("close", &Operation::close);
    module.def(
        "operation_id", [](const Operation &operation) { return HcsGetOperationId(operation.raw()); },
        py::call_guard<py::gil_scoped_release>());
    module.def("properties", properties);
}
