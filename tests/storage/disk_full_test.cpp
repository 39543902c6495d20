// Disks that are full, limits that are reached, devices that fail.
#include "storage/faulty_file_system.hpp"
#include "storage/support.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <csignal>
#include <exception>
#include <vector>

namespace warpbo {
namespace {

using namespace storage_test;

NewTrial heavy(std::size_t size) {
  return NewTrial{TrialState::running, {{"x", 0.5}}, {}, {}, {{"payload", "\"" + std::string(size, 'p') + "\""}}};
}

/// Creates trials until an error comes; gives the code and how many were acknowledged.
std::pair<std::optional<ErrorCode>, std::size_t> fill(Storage& storage, std::int64_t study, std::size_t size, int limit) {
  std::size_t acknowledged = 0;
  for (int i = 0; i < limit; ++i) {
    const auto code = error_of([&] { storage.create_trials(study, one_real(), std::vector{heavy(size)}); });
    if (code) return {code, acknowledged};
    ++acknowledged;
  }
  return {std::nullopt, acknowledged};
}

TEST(StorageDisk, C3_AFullDiskLosesNothingAndWorksAgainOnceThereIsSpace) {
  const TemporaryDirectory directory;
  const std::string outcome = in_child([&]() -> std::string {
    if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0) return "cannot mount";
    if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return "cannot mount";
    if (mount("tmpfs", directory.path().c_str(), "tmpfs", 0, "size=2m") != 0) return "cannot mount";
    write_file(directory / "ballast", std::string(700'000, 'b'));
    const auto storage = open_storage(directory / "a.db");
    const std::int64_t study = storage->create_study("s", Direction::minimize, {}).id;
    const auto [code, acknowledged] = fill(*storage, study, 3000, 10000);
    if (code != ErrorCode::resource_exhausted) return "no resource_exhausted";
    if (acknowledged < 20) return "full too early";
    if (read_all(*storage, study, one_real()).size() != acknowledged) return "reading a full disk lost trials";
    for (int i = 0; i < 3; ++i) {
      if (fill(*storage, study, 30000, 1).first != ErrorCode::resource_exhausted) return "a second attempt on the full disk";
    }
    fs::remove(directory / "ballast");
    const auto [again, more] = fill(*storage, study, 300, 20);
    if (again || more != 20) return "does not work again after space was freed";
    const auto reader = open_storage(directory / "a.db");
    const auto trials = read_all(*reader, study, one_real());
    if (trials.size() != acknowledged + 20) return "wrong count after space was freed";
    for (std::size_t i = 0; i < trials.size(); ++i) {
      if (trials[i].number != static_cast<std::int64_t>(i)) return "numbers are not dense";
      if (trials[i].attributes.at("payload").size() != (i < acknowledged ? 3002U : 302U)) return "half an attribute";
    }
    return sql(directory / "a.db", "PRAGMA integrity_check") == "ok" ? "" : "integrity";
  });
  if (outcome == "cannot mount") GTEST_SKIP() << "this machine allows no mounts; the other tests of this file cover the row";
  EXPECT_EQ(outcome, "");
}

TEST(StorageDisk, C18_TheFileSizeLimitGivesAnErrorInsteadOfASignal) {
  const TemporaryDirectory directory;
  const std::string outcome = in_child([&]() -> std::string {
    const auto storage = open_storage(directory / "a.db");
    const std::int64_t study = storage->create_study("s", Direction::minimize, {}).id;
    rlimit limit{};
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 2'000'000;
    setrlimit(RLIMIT_FSIZE, &limit);
    const auto [code, acknowledged] = fill(*storage, study, 5000, 10000);
    if (code != ErrorCode::resource_exhausted) return "no resource_exhausted";
    if (acknowledged < 20) return "limit too early";
    sigset_t pending;
    sigpending(&pending);
    if (sigismember(&pending, SIGXFSZ) != 0) return "the signal is left pending";
    if (read_all(*storage, study, one_real()).size() != acknowledged) return "lost";
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    if (fill(*storage, study, 5000, 10).second != 10) return "does not work again";
    if (read_all(*open_storage(directory / "a.db"), study, one_real()).size() != acknowledged + 10)
      return "lost after the limit was lifted";
    // Outside of the store the signal still does what it did before.
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    return sigismember(&mask, SIGXFSZ) == 0 ? "" : "the signal stays blocked";
  });
  EXPECT_EQ(outcome, "");
}

TEST(StorageDisk, C18_NoMoreFilesIsAnError) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer needs descriptors of its own to check virtual calls";
#endif
  const TemporaryDirectory directory;
  const std::string outcome = in_child([&]() -> std::string {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 64;
    setrlimit(RLIMIT_NOFILE, &limit);
    std::vector<int> all;
    for (int file = 0; (file = open("/dev/null", O_RDONLY)) >= 0;) all.push_back(file);
    std::exception_ptr caught;
    try {
      open_storage(directory / "a.db");
    } catch (...) {
      caught = std::current_exception();
    }
    for (const int file : all) close(file);
    if (!caught) return "opened without descriptors";
    const auto code = error_of([&] { std::rethrow_exception(caught); });
    return code == ErrorCode::resource_exhausted || code == ErrorCode::unavailable ? "" : "wrong code";
  });
  EXPECT_EQ(outcome, "");
}

/// The life of a store on a disk that fails once or for good at operation k; true when k lies beyond the last operation.
bool survive(const std::string& path, int k, int code, bool sticky) {
  FaultyFileSystem disk;
  std::size_t acknowledged = 0;
  std::size_t finished = 0;
  int operations = 0;
  {
    std::shared_ptr<Storage> storage;
    std::int64_t study = 0;
    disk.fail(k, code, sticky);
    const auto failure = error_of([&] {
      storage = open_storage(path);
      study = storage->create_study("s", Direction::minimize, {}).id;
      for (int i = 0; i < 3; ++i) {
        const auto made = storage->create_trials(study, one_real(), std::vector{heavy(6000)});
        ++acknowledged;
        storage->finish_trials(std::vector{completed(made[0].id, 1)});
        ++finished;
      }
    });
    operations = disk.operations();
    disk.heal();
    if (failure) {
      EXPECT_TRUE(failure == ErrorCode::resource_exhausted || failure == ErrorCode::unavailable)
          << to_string(*failure) << " at operation " << k;
    }
    // The same object works again, once the disk does.
    if (storage && study != 0) {
      EXPECT_EQ(error_of([&] { storage->create_trials(study, one_real(), std::vector{running(0.5)}); }), std::nullopt) << k;
      ++acknowledged;
    }
  }
  const auto storage = open_storage(path);
  const auto study = storage->find_study("s");
  const std::vector<Trial> trials = study ? read_all(*storage, study->id, one_real()) : std::vector<Trial>();
  // What failed may still have reached the disk, but at most that one trial.
  EXPECT_GE(trials.size(), acknowledged) << k;
  EXPECT_LE(trials.size(), acknowledged + 1) << k;
  std::size_t complete = 0;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    EXPECT_EQ(trials[i].number, static_cast<std::int64_t>(i)) << k;
    complete += trials[i].state == TrialState::complete ? 1 : 0;
  }
  EXPECT_GE(complete, finished) << k;
  EXPECT_EQ(sql(path, "PRAGMA integrity_check"), "ok") << k;
  return operations < k;
}

TEST(StorageDisk, C3_EveryWriteMayFailOnceOrForGood) {
  const TemporaryDirectory directory(true);
  for (const int code : {SQLITE_FULL, SQLITE_IOERR_WRITE}) {
    for (const bool sticky : {false, true}) {
      bool beyond = false;
      int k = 1;
      for (; !beyond && k < 1000 && !HasFailure(); ++k)
        beyond =
            survive(directory / ("k" + std::to_string(code) + std::to_string(sticky) + std::to_string(k)), k, code, sticky);
      EXPECT_TRUE(beyond);
      EXPECT_GT(k, 20) << "the layer saw hardly any operation";
    }
  }
}

}  // namespace
}  // namespace warpbo
