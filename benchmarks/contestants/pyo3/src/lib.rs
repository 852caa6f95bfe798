use std::ffi::{c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

#[link(name = "hcsbench")]
extern "C" {
    fn HcsCloseComputeSystem(system: *mut c_void);
    fn HcsCreateOperation(context: *mut c_void, callback: *mut c_void) -> *mut c_void;
    fn HcsCloseOperation(operation: *mut c_void);
    fn HcsGetOperationId(operation: *mut c_void) -> u64;
    fn HcsGetComputeSystemProperties(system: *mut c_void, operation: *mut c_void, query: *const u16) -> i32;
    fn HcsWaitForOperationResult(operation: *mut c_void, milliseconds: u32, document: *mut *mut u16) -> i32;
    fn LocalFree(memory: *mut c_void) -> *mut c_void;
}

/// A raw pointer that may go to any thread: HCS handles have no owner thread.
struct Raw(*mut c_void);
unsafe impl Send for Raw {}

impl Raw {
    fn get(&self) -> *mut c_void {
        self.0
    }
}

/// Closes what is in the slot, once, without the GIL.
fn close(slot: &AtomicPtr<c_void>, release: unsafe extern "C" fn(*mut c_void)) {
    let raw = Raw(slot.swap(null_mut(), Ordering::AcqRel));
    if !raw.get().is_null() {
        Python::attach(|py| py.detach(move || unsafe { release(raw.get()) }));
    }
}

#[pyclass(frozen)]
struct System(AtomicPtr<c_void>);

#[pymethods]
impl System {
    #[new]
    fn new(raw: usize) -> Self {
        System(AtomicPtr::new(raw as *mut c_void))
    }

    fn close(&self) {
        close(&self.0, HcsCloseComputeSystem);
    }
}

impl Drop for System {
    fn drop(&mut self) {
        self.close();
    }
}

#[pyclass(frozen)]
struct Operation(AtomicPtr<c_void>);

#[pymethods]
impl Operation {
    #[new]
    fn new() -> Self {
        Operation(AtomicPtr::new(unsafe { HcsCreateOperation(null_mut(), null_mut()) }))
    }

    fn close(&self) {
        close(&self.0, HcsCloseOperation);
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        self.close();
    }
}

#[pyfunction]
fn operation_id(py: Python<'_>, operation: &Operation) -> u64 {
    let raw = Raw(operation.0.load(Ordering::Acquire));
    py.detach(move || unsafe { HcsGetOperationId(raw.get()) })
}

#[pyfunction]
fn properties<'py>(py: Python<'py>, system: &System) -> PyResult<Bound<'py, PyString>> {
    let raw = Raw(system.0.load(Ordering::Acquire));
    let (result, document) = py.detach(move || unsafe {
        let mut document: *mut u16 = null_mut();
        let operation = HcsCreateOperation(null_mut(), null_mut());
        let mut result = HcsGetComputeSystemProperties(raw.get(), operation, null());
        if result >= 0 {
            result = HcsWaitForOperationResult(operation, u32::MAX, &mut document);
        }
        HcsCloseOperation(operation);
        (result, Raw(document.cast()))
    });
    if result < 0 {
        return Err(PyRuntimeError::new_err("HcsGetComputeSystemProperties"));
    }
    let text = document.get().cast::<u16>();
    unsafe {
        let mut length = 0;
        while *text.add(length) != 0 {
            length += 1;
        }
        let decoded = ffi::PyUnicode_DecodeUTF16(text.cast::<c_char>(), 2 * length as isize, null(), null_mut());
        LocalFree(document.get());
        Ok(Bound::from_owned_ptr_or_err(py, decoded)?.cast_into_unchecked())
    }
}

#[pymodule(gil_used = false)]
fn pyo3_handles(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<System>()?;
    module.add_class::<Operation>()?;
    module.add_function(wrap_pyfunction!(operation_id, module)?)?;
    module.add_function(wrap_pyfunction!(properties, module)?)
}
