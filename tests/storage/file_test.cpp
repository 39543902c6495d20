// Files that are missing, damaged, foreign, replaced, or may not be written.
#include "storage/location.hpp"
#include "storage/probe.hpp"
#include "storage/support.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

namespace warpbo {
namespace {

using namespace storage_test;

/// Makes a store with one study of `trials` finished trials, and closes it.
std::int64_t make_store(const std::string& path, int trials = 3) {
  const auto storage = open_storage(path);
  const std::int64_t study = storage->create_study("s", Direction::minimize, {}).id;
  for (int i = 0; i < trials; ++i) {
    const auto made = storage->create_trials(study, one_real(), std::vector{running(0.125 * i)});
    storage->finish_trials(std::vector{completed(made[0].id, i)});
  }
  return study;
}

/// Reads everything there is; throws what the store throws.
std::size_t read_everything(const std::string& url, OpenMode mode = OpenMode::read_write) {
  const auto storage = open_storage(url, mode);
  std::size_t trials = 0;
  for (const StudyRecord& study : storage->studies()) trials += read_all(*storage, study.id, one_real()).size();
  return trials;
}

/// What holds for every file that is not usable: the right code, the path and a fix in the text, the bytes untouched.
void expect_refused(const std::string& path, const std::vector<ErrorCode>& codes) {
  const std::string before = contents(path);
  for (const OpenMode mode : {OpenMode::read_write, OpenMode::read_only}) {
    std::string message;
    const auto code = error_of([&] { read_everything(path, mode); }, &message);
    ASSERT_TRUE(code) << path << " with " << before.size() << " bytes is accepted";
    EXPECT_NE(std::find(codes.begin(), codes.end(), *code), codes.end()) << to_string(*code) << ": " << message;
    EXPECT_NE(message.find(path), std::string::npos) << message;
    EXPECT_NE(message.find("; "), std::string::npos) << "no fix: " << message;
  }
  EXPECT_EQ(contents(path), before) << path;
}

/// Without root's rights, in a child; root may write anything.
std::string unprivileged(const std::function<std::string()>& body) {
  return in_child([&]() -> std::string {
    if (geteuid() == 0 && (setegid(65534) != 0 || seteuid(65534) != 0)) return "cannot drop privileges";
    return body();
  });
}

TEST(StorageFile, NewFilesBelongToTheirOwnerAlone) {
  const TemporaryDirectory directory;
  const auto storage = open_storage("sqlite:" + (directory / "a.db"));
  storage->create_study("s", Direction::minimize, {});
  for (const char* name : {"a.db", "a.db-wal", "a.db-shm"}) {
    struct stat status {};
    ASSERT_EQ(stat((directory / name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 0777, 0600U) << name;
  }
}

TEST(StorageFile, C6_AnEmptyFileIsANewStore) {
  const TemporaryDirectory directory;
  write_file(directory / "a.db", "");
  make_store(directory / "a.db");
  EXPECT_EQ(read_everything(directory / "a.db"), 3U);
  write_file(directory / "b.db", "");
  EXPECT_EQ(error_of([&] { read_everything(directory / "b.db", OpenMode::read_only); }), ErrorCode::unavailable);
}

TEST(StorageFile, C6_TruncatedFilesAreCorrupt) {
  const TemporaryDirectory directory(true);
  make_store(directory / "a.db", 40);
  const std::string whole = contents(directory / "a.db");
  ASSERT_GT(whole.size(), 40000U);
  for (std::size_t size = 1; size < whole.size(); size += size < 200 ? 13 : 1777) {
    write_file(directory / "cut.db", whole.substr(0, size));
    expect_refused(directory / "cut.db", {ErrorCode::data_corrupt, ErrorCode::invalid_argument});
    if (size >= 16) {
      EXPECT_EQ(error_of([&] { read_everything(directory / "cut.db"); }), ErrorCode::data_corrupt) << size;
    }
  }
}

TEST(StorageFile, C6_ZeroedPagesAreCorrupt) {
  const TemporaryDirectory directory(true);
  make_store(directory / "a.db", 40);
  const std::string whole = contents(directory / "a.db");
  for (std::size_t page = 0; page + 4096 <= whole.size(); page += 4096) {
    std::string damaged = whole;
    damaged.replace(page, 4096, 4096, '\0');
    write_file(directory / "zero.db", damaged);
    expect_refused(directory / "zero.db", {ErrorCode::data_corrupt});
  }
}

TEST(StorageFile, C6_FlippedBytesNeverCrashNorChangeTheFileUnlessItOpens) {
  const TemporaryDirectory directory(true);
  make_store(directory / "a.db", 2);
  const std::string whole = contents(directory / "a.db");
  int corrupt = 0;
  int readable = 0;
  for (std::size_t at = 0; at < whole.size(); at += at < 200 ? 1 : 239) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    write_file(directory / "flip.db", damaged);
    const auto code = error_of([&] { read_everything(directory / "flip.db"); });
    if (!code) {
      ++readable;
      continue;
    }
    corrupt += *code == ErrorCode::data_corrupt ? 1 : 0;
    const bool known = *code == ErrorCode::data_corrupt || *code == ErrorCode::invalid_argument ||
                       *code == ErrorCode::version_too_new || *code == ErrorCode::read_only || *code == ErrorCode::unavailable;
    EXPECT_TRUE(known) << "byte " << at << ": " << to_string(*code);
  }
  EXPECT_GT(corrupt, 20);
  EXPECT_GT(readable, 20);
}

TEST(StorageFile, C6_AppendedGarbageLosesNothing) {
  const TemporaryDirectory directory;
  make_store(directory / "a.db", 5);
  write_file(directory / "a.db", contents(directory / "a.db") + std::string(10000, 'g'));
  EXPECT_EQ(read_everything(directory / "a.db"), 5U);
  const auto storage = open_storage(directory / "a.db");
  const auto study = storage->find_study("s");
  storage->create_trials(study->id, one_real(), std::vector(50, running(0.5)));
  EXPECT_EQ(read_everything(directory / "a.db"), 55U);
  EXPECT_EQ(sql(directory / "a.db", "PRAGMA integrity_check"), "ok");
}

TEST(StorageFile, C6_DamagedContentIsNamed) {
  const TemporaryDirectory directory(true);
  const auto damaged = [&](const std::string& statement) {
    fs::remove(directory / "a.db");
    make_store(directory / "a.db", 1);
    sql(directory / "a.db", statement);
    return error_of([&] { read_everything(directory / "a.db"); });
  };
  EXPECT_EQ(damaged("UPDATE trials SET state = 'COMPLETF'"), ErrorCode::data_corrupt);
  EXPECT_EQ(damaged("UPDATE trial_values SET value_type = 'FINITF'"), ErrorCode::data_corrupt);
  EXPECT_EQ(damaged("UPDATE trial_params SET distribution_json = '{\"name'"), ErrorCode::data_corrupt);
  EXPECT_EQ(damaged("UPDATE trial_params SET param_value = NULL"), std::nullopt) << "left out and marked";
}

TEST(StorageFile, C7_NewerAndOlderSchemasAreRefusedUntouched) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.db";
  make_store(path);
  sql(path, "UPDATE alembic_version SET version_num = 'v9.0.0.a'");
  expect_refused(path, {ErrorCode::version_too_new});
  sql(path, "UPDATE alembic_version SET version_num = 'v3.0.0.d'");
  expect_refused(path, {ErrorCode::invalid_argument});
  std::string message;
  error_of([&] { open_storage(path); }, &message);
  EXPECT_NE(message.find("optuna storage upgrade"), std::string::npos) << message;
  sql(path, "UPDATE alembic_version SET version_num = 'v3.2.0.a'; UPDATE version_info SET schema_version = 13");
  expect_refused(path, {ErrorCode::version_too_new});
  sql(path, "UPDATE version_info SET schema_version = 12");
  EXPECT_EQ(read_everything(path), 3U);
}

TEST(StorageFile, C8_OtherFilesAreRefusedUntouched) {
  const TemporaryDirectory directory;
  write_file(directory / "picture.png", std::string("\x89PNG\r\n\x1A\n", 8) + std::string(5000, 'p'));
  expect_refused(directory / "picture.png", {ErrorCode::invalid_argument});
  write_file(directory / "note.txt", "hello");
  expect_refused(directory / "note.txt", {ErrorCode::invalid_argument});
  write_file(directory / "zeros", std::string(8192, '\0'));
  expect_refused(directory / "zeros", {ErrorCode::data_corrupt});
  sql(directory / "music.db", "x");
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open((directory / "music.db").c_str(), &other), SQLITE_OK);
  sqlite3_exec(other, "PRAGMA journal_mode=WAL; CREATE TABLE songs (title TEXT)", nullptr, nullptr, nullptr);
  sqlite3_close(other);
  expect_refused(directory / "music.db", {ErrorCode::invalid_argument});
  const std::vector<ErrorCode> wrong = {ErrorCode::invalid_argument};
  ASSERT_EQ(mkfifo((directory / "fifo").c_str(), 0600), 0);
  for (const std::string& path : {directory.path(), directory / "fifo", std::string("/dev/zero"), std::string("/dev/null")}) {
    for (const OpenMode mode : {OpenMode::read_write, OpenMode::read_only}) {
      EXPECT_EQ(error_of([&] { open_storage(path, mode); }), ErrorCode::invalid_argument) << path;
    }
  }
  fs::create_symlink("loop", directory / "loop");
  EXPECT_EQ(error_of([&] { open_storage(directory / "loop"); }), ErrorCode::unavailable);
}

TEST(StorageFile, C5_MissingDirectoriesAndFilesAreNamed) {
  const TemporaryDirectory directory;
  std::string message;
  EXPECT_EQ(error_of([&] { open_storage("sqlite:" + (directory / "no/such/a.db")); }, &message), ErrorCode::unavailable);
  EXPECT_NE(message.find("mkdir -p " + (directory / "no/such")), std::string::npos) << message;
  EXPECT_EQ(error_of([&] { open_storage(directory / "a.db", OpenMode::read_only); }), ErrorCode::unavailable);
  EXPECT_FALSE(fs::exists(directory / "a.db")) << "reading creates nothing";
}

TEST(StorageFile, C5_ReadOnlyObjectsRefuseChanges) {
  const TemporaryDirectory directory;
  const std::int64_t study = make_store(directory / "a.db");
  const auto storage = open_storage(directory / "a.db", OpenMode::read_only);
  EXPECT_TRUE(storage->read_only());
  EXPECT_EQ(read_all(*storage, study, one_real()).size(), 3U);
  EXPECT_EQ(error_of([&] { storage->create_trials(study, one_real(), std::vector{running(0.5)}); }), ErrorCode::read_only);
  EXPECT_EQ(error_of([&] { storage->finish_trials(std::vector{completed(1, 1)}); }), ErrorCode::read_only);
  EXPECT_EQ(error_of([&] { storage->delete_study(study); }), ErrorCode::read_only);
  // It is a live view: a writer's changes appear.
  const std::uint64_t before = storage->version();
  const auto writer = open_storage(directory / "a.db");
  writer->create_trials(study, one_real(), std::vector{running(0.5)});
  EXPECT_NE(storage->version(), before);
  EXPECT_EQ(read_all(*storage, study, one_real()).size(), 4U);
}

TEST(StorageFile, C5_FilesAndDirectoriesWithoutPermission) {
  const TemporaryDirectory directory;
  make_store(directory / "a.db");
  fs::permissions(directory.path(), fs::perms(0755));
  fs::permissions(directory / "a.db", fs::perms(0444));
  const std::string outcome = unprivileged([&]() -> std::string {
    if (error_of([&] { open_storage(directory / "a.db"); }) != ErrorCode::read_only)
      return "a read-only file was opened for writing";
    if (error_of([&] { open_storage(directory / "new.db"); }) != ErrorCode::read_only)
      return "created a file in a read-only directory";
    if (read_everything(directory / "a.db", OpenMode::read_only) != 3) return "not readable";
    return "";
  });
  EXPECT_EQ(outcome, "");
  fs::permissions(directory / "a.db", fs::perms(0666));
  EXPECT_EQ(unprivileged([&]() -> std::string {
              std::string message;
              if (error_of([&] { open_storage(directory / "a.db"); }, &message) != ErrorCode::read_only)
                return "a read-only directory: " + message;
              return "";
            }),
            "");
  fs::permissions(directory / "a.db", fs::perms(0000));
  EXPECT_EQ(unprivileged([&]() -> std::string {
              return error_of([&] { open_storage(directory / "a.db", OpenMode::read_only); }) == ErrorCode::unavailable
                         ? ""
                         : "opened an unreadable file";
            }),
            "");
}

TEST(StorageFile, C5_AReadOnlyDirectoryWithALeftoverLogIsReadWhole) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.db";
  // A writer that dies leaves its log behind, with trials that are nowhere else.
  ASSERT_EQ(in_child([&]() -> std::string {
              const auto storage = open_storage(path);
              const std::int64_t study = storage->create_study("s", Direction::minimize, {}).id;
              storage->create_trials(study, one_real(), std::vector{running(0.5), running(0.25)});
              _exit(0);
            }),
            "");
  ASSERT_GT(fs::file_size(path + "-wal"), 0U);
  for (const bool with_index : {true, false}) {
    if (!with_index) fs::remove(path + "-shm");
    for (const char* suffix : {"", "-wal", "-shm"}) {
      if (fs::exists(path + suffix)) fs::permissions(path + suffix, fs::perms(0444));
    }
    fs::permissions(directory.path(), fs::perms(0555));
    EXPECT_EQ(unprivileged([&]() -> std::string {
                return read_everything(path, OpenMode::read_only) == 2 ? "" : "trials of the log are missing";
              }),
              "");
    fs::permissions(directory.path(), fs::perms(0755));
    EXPECT_EQ(fs::exists(path + "-shm"), with_index) << "reading leaves nothing behind";
  }
}

TEST(StorageFile, C16_DeletedOrReplacedFilesAreNoticed) {
  const TemporaryDirectory directory;
  for (const bool replace : {false, true}) {
    const std::string path = directory / (replace ? "b.db" : "a.db");
    const std::int64_t study = make_store(path);
    const auto storage = open_storage(path);
    ASSERT_EQ(read_all(*storage, study, one_real()).size(), 3U);
    fs::rename(path, path + ".old");
    if (replace) make_store(path, 1);
    EXPECT_EQ(error_of([&] { storage->create_trials(study, one_real(), std::vector{running(0.5)}); }), ErrorCode::conflict);
    EXPECT_EQ(error_of([&] { storage->finish_trials(std::vector{completed(1, 1)}); }), ErrorCode::conflict);
    EXPECT_EQ(error_of([&] { storage->studies(); }), ErrorCode::conflict);
    EXPECT_EQ(error_of([&] { static_cast<void>(storage->version()); }), ErrorCode::conflict);
    if (replace) {
      EXPECT_EQ(read_everything(path), 1U) << "the new file stays as it is";
    }
    fs::rename(path + ".old", path);
    EXPECT_EQ(read_all(*storage, study, one_real()).size(), 3U) << "moved back, it works again";
  }
}

TEST(StorageFile, C16_HardLinksAreRefused) {
  const TemporaryDirectory directory;
  make_store(directory / "a.db");
  fs::create_hard_link(directory / "a.db", directory / "b.db");
  EXPECT_EQ(error_of([&] { open_storage(directory / "b.db"); }), ErrorCode::conflict);
  EXPECT_EQ(read_everything(directory / "b.db", OpenMode::read_only), 3U);
}

TEST(StorageFile, G9_AForkedChildMustOpenItsOwn) {
  const TemporaryDirectory directory;
  const std::int64_t study = make_store(directory / "a.db");
  auto storage = open_storage(directory / "a.db");
  EXPECT_EQ(in_child([&]() -> std::string {
              if (error_of([&] { read_all(*storage, study, one_real()); }) != ErrorCode::unavailable)
                return "used across a fork";
              storage.reset();
              return read_everything(directory / "a.db") == 3 ? "" : "the child's own object does not work";
            }),
            "");
  storage->create_trials(study, one_real(), std::vector{running(0.5)});
  EXPECT_EQ(read_everything(directory / "a.db"), 4U);
  EXPECT_EQ(sql(directory / "a.db", "PRAGMA integrity_check"), "ok");
}

TEST(StorageFile, SeveralObjectsInOneProcessDoNotStealEachOthersLocks) {
  // POSIX locks belong to the process and fall when any descriptor of the file is closed: probing a file must not do that.
  const TemporaryDirectory directory;
  const std::int64_t study = make_store(directory / "a.db");
  const auto first = open_storage(directory / "a.db");
  first->create_trials(study, one_real(), std::vector{running(0.5)});
  for (int i = 0; i < 3; ++i) EXPECT_GE(read_everything(directory / "a.db"), 4U);
  // Another process that closes last would delete the log if it believed that nobody else has the file open.
  EXPECT_EQ(in_child([&]() -> std::string { return read_everything(directory / "a.db") == 4 ? "" : "wrong count"; }), "");
  EXPECT_TRUE(fs::exists(directory / "a.db-wal"));
  first->create_trials(study, one_real(), std::vector{running(0.5)});
  EXPECT_EQ(read_everything(directory / "a.db"), 5U);
}

// Between two looks at an empty file another process may have made it a database.
TEST(StorageFile, C9_AFileThatIsBeingCreatedIsNotMistakenForSomethingElse) {
  const TemporaryDirectory directory(true);
  { static_cast<void>(open_storage(directory / "made.db")); }
  std::ifstream made(directory / "made.db", std::ios::binary);
  const std::vector<char> content{std::istreambuf_iterator<char>(made), {}};
  ASSERT_GT(content.size(), 512u);
  const std::string path = directory / "new.db";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);
  ASSERT_GE(file, 0);
  std::atomic<bool> stop = false;
  std::thread creator([&] {
    while (!stop) {
      ASSERT_EQ(::ftruncate(file, 0), 0);
      ASSERT_EQ(::pwrite(file, content.data(), content.size(), 0), std::ssize(content));
      std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
  });
  const storage::Location location{false, path, "sqlite:" + path, false};
  for (int i = 0; i < 5000; ++i) EXPECT_NO_THROW(static_cast<void>(storage::holds_database(location)));
  stop = true;
  creator.join();
  ::close(file);
}

}  // namespace
}  // namespace warpbo
