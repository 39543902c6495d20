/// The register of a fleet's studies, and the bound of what their models hold.
#include <warpbo/fleet.hpp>

#include "samplers/builtin.hpp"
#include "study/fleet_impl.hpp"

#include <warpbo/error.hpp>

#include <new>
#include <utility>

namespace warpbo {

Error study::no_such_study(Fleet::Id id) {
  return {ErrorCode::not_found, "no study " + std::to_string(id) + " in this fleet: it was never opened, or closed since"};
}

Error study::too_late(const std::string& consequence) {
  return {ErrorCode::unavailable, "the study did not answer within max_seconds; " + consequence};
}

Error study::current_error() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return {ErrorCode::resource_exhausted, "out of memory"};
  } catch (const std::exception& error) {
    return {ErrorCode::internal, error.what()};
  } catch (...) {
    return {ErrorCode::internal, "an exception that is no std::exception"};
  }
}

Fleet::Impl::Impl(const FleetOptions& given) : options(given), crew(given.threads) {}

Fleet::Impl::EntryPointer Fleet::Impl::find(Id id) const {
  const std::lock_guard lock(mutex);
  const auto at = entries.find(id);
  return at == entries.end() ? nullptr : at->second;
}

Fleet::Id Fleet::Impl::add(const StudyToOpen& wanted) {
  StudyOptions with_devices = wanted.options;
  if (!with_devices.custom_sampler)
    with_devices.custom_sampler = samplers::make_sampler(
        wanted.options.sampler, [shared = devices](const Device& device) { return shared->open(device); });
  const std::shared_ptr<Storage> store = wanted.store ? wanted.store : open_storage("memory:");
  const auto opened = [&] {
    switch (wanted.how) {
      case Open::create:
        return Study::create(wanted.name, wanted.space, with_devices, store);
      case Open::open:
        return Study::open(wanted.name, with_devices, store);
      case Open::open_or_create:
        break;
    }
    return Study::open_or_create(wanted.name, wanted.space, with_devices, store);
  };
  Study study = opened();
  const std::lock_guard lock(mutex);
  const Id id = next_id++;
  entries.emplace(id, std::make_shared<Entry>(id, std::move(study), wanted.options.sampler.device));
  return id;
}

void Fleet::Impl::keep_in_bounds(const EntryPointer& entry) {
  const std::optional<std::size_t> bytes = entry->study.impl_->model_bytes();
  std::vector<EntryPointer> released;
  {
    const std::lock_guard lock(mutex);
    const auto forget = [&](const EntryPointer& one) {
      models.erase(one->last_use);
      total_bytes -= one->bytes;
      one->bytes = 0;
      one->last_use = 0;
    };
    if (bytes) {  // otherwise somebody asks it just now, and looks after it then
      if (entry->last_use != 0) forget(entry);
      if (*bytes > 0 && !entry->closed) {
        entry->bytes = *bytes;
        entry->last_use = ++uses;
        total_bytes += *bytes;
        models.emplace(entry->last_use, entry);
      }
    }
    while (total_bytes > options.model_bytes && !models.empty()) {
      released.push_back(models.begin()->second);
      forget(released.back());
    }
  }
  for (const EntryPointer& one : released) one->study.impl_->release_model();
}

Fleet::Fleet(const FleetOptions& options) {
  if (options.threads < 0 || options.threads > 4096)
    throw Error(ErrorCode::invalid_argument,
                "fleet: threads is " + std::to_string(options.threads) + "; give 0 (one per core) to 4096");
  impl_ = std::make_unique<Impl>(options);
}
Fleet::~Fleet() = default;
Fleet::Fleet(Fleet&&) noexcept = default;
Fleet& Fleet::operator=(Fleet&&) noexcept = default;

Fleet::Id Fleet::open(const StudyToOpen& study) { return impl_->add(study); }

std::vector<Fleet::Opened> Fleet::open(std::span<const StudyToOpen> studies) {
  std::vector<Opened> out(studies.size());
  study::Gathering gathering(impl_->crew, 0);
  std::size_t missing = studies.size();
  for (std::size_t i = 0; i < studies.size(); ++i) {
    impl_->crew.add([&, i] {
      Opened opened;
      try {
        opened.study = impl_->add(studies[i]);
      } catch (...) {
        opened.error = study::current_error();
      }
      const std::lock_guard lock(gathering.mutex());
      out[i] = std::move(opened);
      --missing;
      gathering.notify();
    });
  }
  std::unique_lock lock(gathering.mutex());
  gathering.wait(lock, [&] { return missing == 0; });
  return out;
}

bool Fleet::close(Id study) {
  Impl::EntryPointer closed;  // destroyed without the lock
  const std::lock_guard lock(impl_->mutex);
  const auto at = impl_->entries.find(study);
  if (at == impl_->entries.end()) return false;
  closed = std::move(at->second);
  impl_->entries.erase(at);
  closed->closed = true;
  if (closed->last_use != 0) {
    impl_->models.erase(closed->last_use);
    impl_->total_bytes -= closed->bytes;
    closed->last_use = 0;
  }
  return true;
}

std::shared_ptr<Study> Fleet::study(Id study) const {
  Impl::EntryPointer entry = impl_->find(study);
  if (!entry) throw study::no_such_study(study);
  Study* inside = &entry->study;
  return {std::move(entry), inside};
}

std::vector<Fleet::Id> Fleet::studies() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<Id> out;
  for (const auto& [id, entry] : impl_->entries) out.push_back(id);
  return out;
}

std::size_t Fleet::size() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->entries.size();
}

std::size_t Fleet::model_bytes() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->total_bytes;
}

}  // namespace warpbo
