/// warpbo::Error becomes the exception class that warpbo._errors names for its code.
#include "bindings.hpp"

namespace warpbo::python {

namespace {

void raise(const Error& error) {
  try {
    const nb::object classes = nb::module_::import_("warpbo._errors").attr("by_code");
    const std::string code(to_string(error.code()));
    const nb::object type = classes.attr("get")(code.c_str(), nb::module_::import_("warpbo._errors").attr("Error"));
    PyErr_SetString(type.ptr(), error.what());
  } catch (nb::python_error&) {  // the package is not there: the module was imported alone
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
}

}  // namespace

void bind_errors(nb::module_& m) {
  nb::register_exception_translator(
      [](const std::exception_ptr& pointer, void*) {
        try {
          std::rethrow_exception(pointer);
        } catch (const Error& error) {
          raise(error);
        }
      },
      nullptr);
  m.def(
      "error_codes",
      [] {
        std::vector<std::string> names;
        for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code)
          names.emplace_back(to_string(static_cast<ErrorCode>(code)));
        return names;
      },
      "Names of all error codes.");
}

}  // namespace warpbo::python
