#include <warpbo/storage.hpp>

#include "storage/location.hpp"
#include "storage/memory_storage.hpp"
#include "storage/sqlite_storage.hpp"

namespace warpbo {

Storage::~Storage() = default;

std::shared_ptr<Storage> open_storage(std::string_view url, OpenMode mode) {
  storage::Location location = storage::parse_location(url);
  if (location.memory) return std::make_shared<storage::MemoryStorage>();
  return std::make_shared<storage::SqliteStorage>(std::move(location), mode);
}

Space infer_space(Storage& storage, std::int64_t study_id) {
  std::vector<ParameterSpec> seen = storage.parameters_seen(study_id);
  if (seen.empty()) {
    throw Error(ErrorCode::need_more_data,
                "store " + storage.url() + ": study " + std::to_string(study_id) +
                    " has no trial with parameters yet, so its search space is unknown; declare the space");
  }
  Space space;
  for (ParameterSpec& spec : seen) space.add(std::move(spec));
  return space;
}

}  // namespace warpbo
