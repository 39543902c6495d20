#include "bindings.hpp"

#include <nanobind/stl/function.h>
#include <functional>
#include <memory>

namespace warpbo::python {

namespace {

using Notice = std::function<void(std::string)>;
using Numbers = nb::typed<nb::list, std::int64_t>;

/// A study that can be closed. Every method keeps the study alive until it returns, so that closing it in one thread does not
/// take it from another.
class ClosableStudy {
 public:
  enum class Opening { create, open, open_or_create };

  ClosableStudy(Opening opening, const std::string& name, const Space* space, const std::string& direction,
                const SamplerOptions& sampler, const Notice& notice, const std::string& store, bool read_only) {
    StudyOptions options;
    options.direction = to_direction(direction);
    options.sampler = sampler;
    if (notice) options.on_notice = [notice](std::string_view text) { notice(std::string(text)); };
    const nb::gil_scoped_release released;
    switch (opening) {
      case Opening::create:
        study_ = std::make_shared<Study>(Study::create(name, *space, options, store));
        break;
      case Opening::open: {
        const OpenMode mode = read_only ? OpenMode::read_only : OpenMode::read_write;
        study_ = std::make_shared<Study>(Study::open(name, options, store, mode));
        break;
      }
      case Opening::open_or_create:
        study_ = std::make_shared<Study>(Study::open_or_create(name, *space, options, store));
        break;
    }
  }

  void close() { study_.reset(); }
  [[nodiscard]] bool closed() const { return study_ == nullptr; }

  /// Calls `action(study)` without the interpreter's lock.
  template <class Action>
  auto without_lock(const Action& action) const {
    if (study_ == nullptr) throw Error(ErrorCode::unavailable, "the study was closed; open it again");
    const std::shared_ptr<Study> study = study_;
    const nb::gil_scoped_release released;
    return action(*study);
  }

 private:
  std::shared_ptr<Study> study_;
};

/// The trials asked for. Their numbers are in `keeps` before anything can interrupt the interpreter: whoever holds such a list
/// can give them back.
Rows ask(const ClosableStudy& self, int count, const ParameterDict& fixed,
         const std::vector<std::pair<std::string, std::string>>& attributes, std::vector<Numbers> keeps) {
  AskOptions options;
  options.count = count;
  options.fixed = to_parameters(fixed, "fixed");
  options.attributes.insert(attributes.begin(), attributes.end());
  const std::vector<Trial> trials = self.without_lock([&](Study& study) { return study.ask(options); });
  for (const Trial& trial : trials)
    for (Numbers& keep : keeps) keep.append(trial.number);
  return from_trials(trials);
}

void tell(const ClosableStudy& self, const std::vector<std::pair<std::int64_t, double>>& results) {
  std::vector<Study::Result> list;
  list.reserve(results.size());
  for (const auto& [number, value] : results) list.push_back({number, value});
  self.without_lock([&](Study& study) {
    if (list.size() == 1)
      study.tell(list.front().number, list.front().value);
    else
      study.tell(list);
  });
}

std::int64_t count(const ClosableStudy& self, const std::optional<std::string>& state) {
  if (!state) return self.without_lock([](const Study& study) { return study.count(); });
  for (const TrialState each :
       {TrialState::running, TrialState::complete, TrialState::pruned, TrialState::failed, TrialState::waiting})
    if (*state == to_string(each)) return self.without_lock([&](const Study& study) { return study.count(each); });
  throw Error(ErrorCode::invalid_argument,
              "state is '" + *state + "'; it must be 'running', 'complete', 'pruned', 'failed' or 'waiting'");
}

std::int64_t enqueue(const ClosableStudy& self, const ParameterDict& values) {
  const Parameters parameters = to_parameters(values, "params");
  return self.without_lock([&](Study& study) { return study.enqueue(parameters); });
}

std::int64_t add(const ClosableStudy& self, const ParameterDict& values, double value) {
  const Parameters parameters = to_parameters(values, "params");
  return self.without_lock([&](Study& study) { return study.add(parameters, value); });
}

std::vector<std::string> study_names(const std::string& store) {
  std::vector<std::string> names;
  for (const StudyRecord& record : open_storage(store, OpenMode::read_only)->studies()) names.push_back(record.name);
  return names;
}

void delete_study(const std::string& name, const std::string& store) {
  const std::shared_ptr<Storage> storage = open_storage(store);
  const std::optional<StudyRecord> record = storage->find_study(name);
  if (!record) throw Error(ErrorCode::not_found, "no study '" + name + "' in " + storage->url());
  storage->delete_study(record->id);
}

}  // namespace

void bind_study(nb::module_& m) {
  using Opening = ClosableStudy::Opening;
  nb::class_<ClosableStudy>(m, "Study")
      .def_static(
          "create",
          [](const std::string& name, const Space& space, const std::string& direction, const SamplerOptions& sampler,
             const Notice& notice, const std::string& store) {
            return new ClosableStudy(Opening::create, name, &space, direction, sampler, notice, store, false);
          },
          "name"_a, "space"_a, "direction"_a, "sampler"_a, "notice"_a.none(), "store"_a)
      .def_static(
          "open",
          [](const std::string& name, const SamplerOptions& sampler, const Notice& notice, const std::string& store,
             bool read_only) {
            return new ClosableStudy(Opening::open, name, nullptr, "minimize", sampler, notice, store, read_only);
          },
          "name"_a, "sampler"_a, "notice"_a.none(), "store"_a, "read_only"_a)
      .def_static(
          "open_or_create",
          [](const std::string& name, const Space& space, const std::string& direction, const SamplerOptions& sampler,
             const Notice& notice, const std::string& store) {
            return new ClosableStudy(Opening::open_or_create, name, &space, direction, sampler, notice, store, false);
          },
          "name"_a, "space"_a, "direction"_a, "sampler"_a, "notice"_a.none(), "store"_a)
      .def("close", &ClosableStudy::close)
      .def("closed", &ClosableStudy::closed)
      .def("ask", &ask, "count"_a, "fixed"_a, "attributes"_a, "keeps"_a)
      .def("tell", &tell, "results"_a)
      .def(
          "fail",
          [](const ClosableStudy& self, std::int64_t number, const std::string& reason) {
            self.without_lock([&](Study& study) { study.fail(number, reason); });
          },
          "number"_a, "reason"_a)
      .def("enqueue", &enqueue, "params"_a)
      .def("add", &add, "params"_a, "value"_a)
      .def(
          "requeue",
          [](const ClosableStudy& self, std::int64_t number) {
            return self.without_lock([&](Study& study) { return study.requeue(number); });
          },
          "number"_a)
      .def(
          "set_attribute",
          [](const ClosableStudy& self, std::int64_t number, const std::string& key, const std::string& json) {
            self.without_lock([&](Study& study) { study.set_attribute(number, key, json); });
          },
          "number"_a, "key"_a, "json"_a)
      .def("best",
           [](const ClosableStudy& self) {
             return from_trial(self.without_lock([](const Study& study) { return study.best(); }));
           })
      .def("history",
           [](const ClosableStudy& self) {
             return from_trials(self.without_lock([](const Study& study) { return study.history(); }));
           })
      .def("pending",
           [](const ClosableStudy& self) {
             return from_trials(self.without_lock([](const Study& study) { return study.pending(); }));
           })
      .def(
          "trial",
          [](const ClosableStudy& self, std::int64_t number) {
            return from_trial(self.without_lock([&](const Study& study) { return study.trial(number); }));
          },
          "number"_a)
      .def("count", &count, "state"_a.none())
      .def("name", [](const ClosableStudy& self) { return self.without_lock([](const Study& study) { return study.name(); }); })
      .def("space",
           [](const ClosableStudy& self) { return self.without_lock([](const Study& study) { return study.space(); }); })
      .def("direction",
           [](const ClosableStudy& self) {
             const Direction direction = self.without_lock([](const Study& study) { return study.direction(); });
             return direction == Direction::minimize ? "minimize" : "maximize";
           })
      .def(
          "url",
          [](const ClosableStudy& self) { return self.without_lock([](const Study& study) { return study.storage().url(); }); })
      .def("model", [](const ClosableStudy& self) {
        return from_model(self.without_lock([](const Study& study) { return study.model(); }));
      });
  m.def("study_names", &study_names, "store"_a, nb::call_guard<nb::gil_scoped_release>());
  m.def("delete_study", &delete_study, "name"_a, "store"_a, nb::call_guard<nb::gil_scoped_release>());
}

}  // namespace warpbo::python
