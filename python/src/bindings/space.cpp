#include "bindings.hpp"

namespace warpbo::python {

namespace {

ParameterKind to_kind(const std::string& name) {
  if (name == "categorical") return ParameterKind::categorical;
  if (name == "ordinal") return ParameterKind::ordinal;
  if (name == "constant") return ParameterKind::constant;
  throw Error(ErrorCode::internal, "unknown kind '" + name + "'");
}

void add_choice(Space& space, const std::string& name, const std::string& kind, const nb::list& choices,
                const std::string& condition) {
  ParameterSpec spec;
  spec.name = name;
  spec.kind = to_kind(kind);
  spec.condition = condition;
  std::size_t index = 0;
  for (const nb::handle choice : choices)
    spec.choices.push_back(to_value(choice, "choice " + std::to_string(index++) + " of '" + name + "'"));
  space.add(std::move(spec));
}

void add_real(Space& space, const std::string& name, double low, double high, bool log, std::optional<double> step,
              const std::string& condition) {
  ParameterSpec spec;
  spec.name = name;
  spec.kind = ParameterKind::real;
  spec.low = low;
  spec.high = high;
  spec.log = log;
  spec.step = step;
  spec.condition = condition;
  space.add(std::move(spec));
}

void add_integer(Space& space, const std::string& name, std::int64_t low, std::int64_t high, bool log,
                 std::optional<std::int64_t> step, const std::string& condition) {
  ParameterSpec spec;
  spec.name = name;
  spec.kind = ParameterKind::integer;
  spec.int_low = low;
  spec.int_high = high;
  spec.log = log;
  spec.int_step = step;
  spec.condition = condition;
  space.add(std::move(spec));
}

/// (name, kind, low, high, log, step, choices, condition); what a kind does not have is None.
Row from_spec(const ParameterSpec& spec) {
  nb::list choices;
  for (const Value& choice : spec.choices) choices.append(from_value(choice));
  const auto row = [&](const char* kind, const nb::object& low, const nb::object& high, const nb::object& step) {
    return nb::borrow<Row>(nb::make_tuple(spec.name, kind, low, high, spec.log, step, choices, spec.condition));
  };
  switch (spec.kind) {
    case ParameterKind::real:
      return row("real", nb::cast(spec.low), nb::cast(spec.high), nb::cast(spec.step));
    case ParameterKind::integer:
      return row("integer", nb::cast(spec.int_low), nb::cast(spec.int_high), nb::cast(spec.int_step));
    case ParameterKind::categorical:
      return row("categorical", nb::none(), nb::none(), nb::none());
    case ParameterKind::ordinal:
      return row("ordinal", nb::none(), nb::none(), nb::none());
    case ParameterKind::constant:
      break;
  }
  return row("constant", nb::none(), nb::none(), nb::none());
}

Rows parameters(const Space& space) {
  nb::list rows;
  for (const ParameterSpec& spec : space.parameters()) rows.append(from_spec(spec));
  return nb::borrow<Rows>(rows);
}

}  // namespace

void bind_space(nb::module_& m) {
  nb::class_<Space>(m, "Space")
      .def(nb::init<>())
      .def("add_real", &add_real, "name"_a, "low"_a, "high"_a, "log"_a, "step"_a.none(), "condition"_a)
      .def("add_integer", &add_integer, "name"_a, "low"_a, "high"_a, "log"_a, "step"_a.none(), "condition"_a)
      .def("add_choice", &add_choice, "name"_a, "kind"_a, "choices"_a, "condition"_a,
           nb::sig("def add_choice(self, name: str, kind: str, choices: list[object], condition: str) -> None"))
      .def(
          "constrain", [](Space& space, const std::string& text) { space.constrain(text); }, "text"_a)
      .def("parameters", &parameters)
      .def("constraints", &Space::constraints)
      .def("validate", &Space::validate, nb::call_guard<nb::gil_scoped_release>())
      .def(
          "check", [](const Space& space, const ParameterDict& values) { return space.check(to_parameters(values, "params")); },
          "params"_a)
      .def("cardinality", &Space::cardinality)
      .def("copy", [](const Space& space) { return Space(space); })
      .def(
          "equals", [](const Space& space, const Space& other) { return space == other; }, "other"_a)
      .def("to_json", &Space::to_json)
      .def_static(
          "from_json", [](const std::string& json) { return Space::from_json(json); }, "json"_a);
}

}  // namespace warpbo::python
