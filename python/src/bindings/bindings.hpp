/// What the files of the extension module share: conversions of values, and one function per area that adds it to the module.
///
/// The module is private to the package (warpbo._core); the Python files over it carry names, documentation and checks. Every
/// call that computes or does I/O releases the interpreter's lock.
#pragma once

#include <warpbo/warpbo.hpp>

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <vector>

namespace warpbo::python {

namespace nb = nanobind;
using namespace nb::literals;  // "name"_a; confined to the bindings

using ParameterDict = nb::typed<nb::dict, nb::str, nb::any>;
using Row = nb::typed<nb::tuple, nb::any, nb::ellipsis>;
using Rows = nb::typed<nb::list, Row>;

/// A bool, int, float or str (or NumPy scalar of these kinds). Throws `invalid_argument` naming `what` for anything else.
Value to_value(nb::handle object, const std::string& what);
nb::object from_value(const Value& value);

/// A dict from names to values.
Parameters to_parameters(const nb::dict& values, const std::string& what);
ParameterDict from_parameters(const Parameters& parameters);

/// A trial as the tuple (number, state, params, value, failure, started, finished, attributes, id), times in seconds since the
/// epoch, attributes as JSON texts. `Trial._from_core` in the package reads it.
Row from_trial(const Trial& trial);
Rows from_trials(const std::vector<Trial>& trials);
/// A ModelSummary as a tuple in the order of its members.
Row from_model(const ModelSummary& model);

Direction to_direction(const std::string& text);

void bind_errors(nb::module_& m);
void bind_space(nb::module_& m);
void bind_sampler(nb::module_& m);
void bind_study(nb::module_& m);
void bind_gaussian_process(nb::module_& m);

}  // namespace warpbo::python
