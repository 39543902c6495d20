/// How a study comes to be: created, opened, continued.
#include <warpbo/study.hpp>

#include "base/text.hpp"
#include "space/describe.hpp"
#include "study/impl.hpp"
#include "study/json_text.hpp"

#include <warpbo/error.hpp>

#include <algorithm>
#include <random>
#include <utility>

namespace warpbo {

namespace {

constexpr std::size_t kMaxName = 512;  // the width of Optuna's column

void check_name(std::string_view name) {
  const bool control =
      std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (!name.empty() && name.size() <= kMaxName && text::is_utf8(name) && !control) return;
  throw Error(ErrorCode::invalid_argument, "study name " + text::quote(name) + ": use 1 to " + std::to_string(kMaxName) +
                                               " bytes of UTF-8 without control characters");
}

/// 128 random bits in hexadecimal: tells a study from a later one of the same name.
std::string new_uuid() {
  static constexpr char kHex[] = "0123456789abcdef";
  std::random_device device;
  std::string out;
  for (int word = 0; word < 4; ++word) {
    auto bits = device();
    for (int i = 0; i < 8; ++i, bits >>= 4) out += kHex[bits & 15U];
  }
  return out;
}

std::string_view to_text(Direction direction) { return direction == Direction::minimize ? "minimize" : "maximize"; }

[[noreturn]] void no_such_study(Storage& store, std::string_view name) {
  std::string message = "no study " + text::quote(name) + " in " + store.url() + "; ";
  const std::vector<StudyRecord> all = store.studies();
  if (all.empty()) message += "it has none";
  for (std::size_t i = 0; i < all.size() && i < 20; ++i) message += (i == 0 ? "it has " : ", ") + text::quote(all[i].name);
  if (all.size() > 20) message += " and " + std::to_string(all.size() - 20) + " more";
  throw Error(ErrorCode::not_found, message);
}

/// The space that a study was created with; nothing if another program made the study.
std::optional<Space> stored_space(const Storage& store, const StudyRecord& record) {
  const auto at = record.attributes.find(study::kSpaceAttribute);
  if (at == record.attributes.end()) return std::nullopt;
  try {
    return Space::from_json(at->second);
  } catch (const Error& error) {
    throw Error(ErrorCode::data_corrupt, "study " + text::quote(record.name) + " in " + store.url() +
                                             ": its stored search space cannot be read: " + error.what());
  }
}

std::string listing(const Space& stored, const Space& asked) {
  std::string out;
  for (const std::string& sentence : space::differences(stored, asked)) out += (out.empty() ? "" : "; ") + sentence;
  return out;
}

/// What is left of a parameter in the store of another program: no conditions, no order, no constants.
ParameterSpec plain(ParameterSpec spec) {
  spec.condition.clear();
  if (spec.kind == ParameterKind::ordinal || spec.kind == ParameterKind::constant) spec.kind = ParameterKind::categorical;
  return spec;
}

/// How the given space contradicts the trials that another program made; nothing if it does not.
std::string contradiction(const Space& inferred, const Space& given) {
  Space there;
  Space here;
  for (const ParameterSpec& spec : inferred.parameters()) there.add(plain(spec));
  // Parameters in the order of the store; one that only the given space has is new, which is no contradiction.
  for (const ParameterSpec& spec : inferred.parameters()) {
    if (const ParameterSpec* own = given.find(spec.name)) here.add(plain(*own));
  }
  return there == here ? std::string() : listing(there, here);
}

[[noreturn]] void conflict(const Storage& store, const StudyRecord& record, const std::string& difference) {
  throw Error(ErrorCode::conflict, "study " + text::quote(record.name) + " in " + store.url() + " exists with " + difference +
                                       "; use the same, or another study name");
}

/// Says which parameters of an inferred space not every trial has.
void notice_inferred(study::Notices& notices, const Space& space, const std::vector<Trial>& trials) {
  std::string partial;
  for (const ParameterSpec& spec : space.parameters()) {
    const auto lacks = [&](const Trial& trial) {
      return trial.state == TrialState::complete && !trial.parameters.contains(spec.name);
    };
    if (std::any_of(trials.begin(), trials.end(), lacks)) partial += (partial.empty() ? "" : ", ") + text::quote(spec.name);
  }
  notices.add(
      "inferred",
      "the search space was derived from the " + std::to_string(trials.size()) + " trials of another program" +
          (partial.empty() ? std::string() : "; not all of them have " + partial + ", which new trials will always have"));
}

}  // namespace

Study::Impl::Impl(std::shared_ptr<Storage> opened, StudyRecord found, const Space& space, const StudyOptions& options)
    : store(std::move(opened)),
      record(std::move(found)),
      points(space),
      notices(options.on_notice),
      view(store, record, points.space()),
      proposer(points, options.custom_sampler ? options.custom_sampler : make_sampler(options.sampler), options.sampler,
               options.sampler.noise == Noise::noisy) {}

Study::Study(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Study::~Study() = default;
Study::Study(Study&&) noexcept = default;
Study& Study::operator=(Study&&) noexcept = default;

Study Study::create(std::string_view name, const Space& space, const StudyOptions& options, std::shared_ptr<Storage> store) {
  check_name(name);
  space.validate();
  // The sampler's options are checked before the study exists in the store.
  const std::shared_ptr<Sampler> sampler = options.custom_sampler ? options.custom_sampler : make_sampler(options.sampler);
  StudyOptions with_sampler = options;
  with_sampler.custom_sampler = sampler;
  StudyRecord record =
      store->create_study(name, options.direction,
                          {{study::kSpaceAttribute, space.to_json()}, {study::kUuidAttribute, study::json_string(new_uuid())}});
  return Study(std::make_unique<Impl>(std::move(store), std::move(record), space, with_sampler));
}

Study Study::open(std::string_view name, const StudyOptions& options, std::shared_ptr<Storage> store) {
  auto record = store->find_study(name);
  if (!record) no_such_study(*store, name);
  const std::optional<Space> own = stored_space(*store, *record);
  const std::int64_t id = record->id;
  const Space space = own ? *own : infer_space(*store, id);
  auto impl = std::make_unique<Impl>(std::move(store), std::move(*record), space, options);
  impl->view.refresh();
  if (!own) notice_inferred(impl->notices, space, impl->view.all());
  impl->notices.deliver();
  return Study(std::move(impl));
}

Study Study::open_or_create(std::string_view name, const Space& space, const StudyOptions& options,
                            std::shared_ptr<Storage> store) {
  check_name(name);
  space.validate();
  auto record = store->find_study(name);
  if (!record) {
    try {
      return create(name, space, options, store);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::conflict) throw;
      record = store->find_study(name);  // another process was faster
      if (!record) throw;
    }
  }
  if (record->direction != options.direction)
    conflict(*store, *record,
             "the direction " + std::string(to_text(record->direction)) + ", not " + std::string(to_text(options.direction)));
  if (const auto own = stored_space(*store, *record)) {
    if (!(*own == space)) conflict(*store, *record, "another search space: " + listing(*own, space));
  } else {
    try {
      const std::string text = contradiction(infer_space(*store, record->id), space);
      if (!text.empty()) conflict(*store, *record, "another search space: " + text);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::need_more_data) throw;  // no trials yet: nothing to contradict
    }
    if (!store->read_only()) store->set_study_attribute(record->id, study::kSpaceAttribute, space.to_json());
  }
  auto impl = std::make_unique<Impl>(std::move(store), std::move(*record), space, options);
  impl->view.refresh();
  return Study(std::move(impl));
}

Study Study::create(std::string_view name, const Space& space, const StudyOptions& options, std::string_view store) {
  return create(name, space, options, open_storage(store));
}

Study Study::open(std::string_view name, const StudyOptions& options, std::string_view store, OpenMode mode) {
  return open(name, options, open_storage(store, mode));
}

Study Study::open_or_create(std::string_view name, const Space& space, const StudyOptions& options, std::string_view store) {
  return open_or_create(name, space, options, open_storage(store));
}

}  // namespace warpbo
