// Trials as processes: the worker pool with real commands, and a count of what survives.
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "cli/cli_support.hpp"
#include "cli/processes.hpp"
#include "cli/worker_pool.hpp"

namespace warpbo::cli {
namespace {

class Supervision : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = test::temporary_folder();
    marker_ = "WARPBO_TEST_MARK=" + folder_;
  }
  void TearDown() override {
    EXPECT_EQ(test::processes_with(marker_), 0);
    std::filesystem::remove_all(folder_);
  }

  WorkRequest shell(const std::string& script) const {
    WorkRequest request;
    request.command = {"sh", "-c", script};
    request.environment = {{"WARPBO_TEST_MARK", folder_}};
    request.working_directory = folder_;
    request.trial_directory = folder_ + "/trial";
    request.params_json = "{}";
    request.result_file = folder_ + "/trial/result";
    request.log_limit = 1 << 20;
    request.grace = 0.3;
    request.metric.name = "loss";
    return request;
  }

  static WorkResult finish(WorkerPool& pool, double seconds = 20) {
    pollfd fd{pool.socket(0), POLLIN, 0};
    if (poll(&fd, 1, static_cast<int>(seconds * 1000)) <= 0) {
      ADD_FAILURE() << "no result in time";
      return {};
    }
    return pool.collect(0).value_or(WorkResult{});
  }
  static WorkResult run(const WorkRequest& request) {
    WorkerPool pool(1);
    pool.start(0, request);
    return finish(pool);
  }
  std::string read(const std::string& name) const { return test::read_file(folder_ + "/" + name); }

  std::string folder_, marker_;
};

TEST_F(Supervision, ResultLogsAndRecord) {
  WorkRequest request = shell("echo loss=0.5; echo note >&2; cat");  // cat: standard input is /dev/null
  request.params_json = "{\"a\":1}";
  const WorkResult result = run(request);
  EXPECT_EQ(result.end, WorkResult::End::exited);
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.metric.value, 0.5);
  EXPECT_EQ(result.last_error, "note");
  EXPECT_EQ(read("trial/stdout"), "loss=0.5\n");
  EXPECT_EQ(read("trial/stderr"), "note\n");
  EXPECT_EQ(read("trial/params.json"), "{\"a\":1}\n");
  EXPECT_NE(read("trial/result.json").find("\"loss\": 0.5"), std::string::npos);
  struct stat info {};
  ASSERT_EQ(stat((folder_ + "/trial/stdout").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);  // L13: what a command prints is for its user only
}

TEST_F(Supervision, ResultFileComesFirstAndAFixedOneMustBeFresh) {
  EXPECT_EQ(run(([&] {
              WorkRequest request = shell("echo loss=1; echo 0.25 > trial/result");
              return request;
            })())
                .metric.value,
            0.25);
  WorkRequest request = shell("echo '{\"loss\": 0.75}' > out.json");
  request.metric.source = MetricRule::Source::file;
  request.metric.path = folder_ + "/out.json";
  EXPECT_EQ(run(request).metric.value, 0.75);
  request.command = {"true"};
  const WorkResult stale = run(request);
  EXPECT_FALSE(stale.metric.value);
  EXPECT_NE(stale.problem.find("older"), std::string::npos);
}

TEST_F(Supervision, L1_SpawnErrorsAreTold) {
  WorkRequest request = shell("");
  request.command = {"no-such-command-of-warpbo"};
  WorkResult result = run(request);
  EXPECT_EQ(result.end, WorkResult::End::spawn_failed);
  EXPECT_NE(result.problem.find("was not found in PATH"), std::string::npos);
  request = shell("true");
  request.working_directory = folder_ + "/missing";
  result = run(request);
  EXPECT_EQ(result.end, WorkResult::End::spawn_failed);
  EXPECT_EQ(result.code, ENOENT);
}

TEST_F(Supervision, L3_L4_ExitStatusAndSignals) {
  WorkResult result = run(shell("echo loss=1; exit 3"));
  EXPECT_EQ(result.end, WorkResult::End::exited);
  EXPECT_EQ(result.code, 3);
  result = run(shell("kill -SEGV $$"));
  EXPECT_EQ(result.end, WorkResult::End::signalled);
  EXPECT_EQ(result.code, SIGSEGV);
}

TEST_F(Supervision, L5_ATimeoutEndsWhatIgnoresSigterm) {
  WorkRequest request = shell("trap '' TERM HUP INT; sh -c \"trap '' TERM; sleep 60\" & while :; do sleep 1; done");
  request.timeout = 0.3;
  const auto start = std::chrono::steady_clock::now();
  const WorkResult result = run(request);
  EXPECT_EQ(result.end, WorkResult::End::timed_out);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST_F(Supervision, L5_SigtermComesFirst) {
  WorkRequest request = shell("trap 'echo bye; exit 0' TERM; echo ready; sleep 60 & wait");
  request.timeout = 0.5;
  request.grace = 10;
  EXPECT_EQ(run(request).end, WorkResult::End::timed_out);
  EXPECT_EQ(read("trial/stdout"), "ready\nbye\n");
}

// A second SIGTERM would interrupt a handler that is tidying up. Signals that arrive together are merged by the kernel, so one
// round does not always tell: twelve do.
TEST_F(Supervision, L5_SigtermComesOnce) {
  int told = 0;
  for (int round = 0; round < 12; ++round) {
    WorkRequest request = shell(
        "exec python3 -S -c 'import signal, time\nn = []\nsignal.signal(signal.SIGTERM, lambda *_: n.append(1))\n"
        "while not n: signal.pause()\ntime.sleep(0.05)\nprint(len(n))'");
    request.timeout = 0.4;
    request.grace = 10;
    EXPECT_EQ(run(request).end, WorkResult::End::timed_out);
    const std::string count = read("trial/stdout");
    EXPECT_NE(count, "2\n");
    told += count == "1\n" ? 1 : 0;  // on a busy machine the signal may come before the handler is there
  }
  EXPECT_GE(told, 1);
}

TEST_F(Supervision, L6_AFloodOnBothStreamsTakesConstantMemory) {
  WorkerPool pool(1);
  WorkRequest request = shell("head -c 200000000 /dev/zero & head -c 50000000 /dev/zero >&2; wait; echo; echo loss=2");
  request.log_limit = 100000;
  pool.start(0, request);
  long peak_kib = 0;
  pollfd fd{pool.socket(0), POLLIN, 0};
  while (poll(&fd, 1, 20) == 0)
    for (const pid_t pid : children()) peak_kib = std::max(peak_kib, test::resident_kib(pid));
  const WorkResult result = pool.collect(0).value_or(WorkResult{});
  EXPECT_EQ(result.end, WorkResult::End::exited);
  EXPECT_EQ(result.metric.value, 2);
  EXPECT_EQ(result.output_bytes, 200000000 + 8);
  EXPECT_EQ(result.error_bytes, 50000000);
  EXPECT_GT(peak_kib, 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(peak_kib, 64 << 10);
#endif
  EXPECT_LT(std::filesystem::file_size(folder_ + "/trial/stdout"), 300000U);
  const std::string log = read("trial/stdout");
  EXPECT_NE(log.find("bytes left out"), std::string::npos);
  EXPECT_EQ(log.substr(log.size() - 7), "loss=2\n");  // the end is kept as well
}

TEST_F(Supervision, L7_NothingSurvives) {
  for (const char* script : {
           "sleep 100 & echo loss=1",                                 // left in the background
           "setsid sleep 100 & echo loss=1",                          // in a session of its own
           "(setsid sh -c 'sleep 100 & sleep 100' &) ; echo loss=1",  // detached twice
           "nohup sh -c 'trap \"\" TERM HUP; sleep 100; sleep 100' >/dev/null 2>&1 & echo loss=1",
           "python3 -c \"import os\nif os.fork()==0:\n os.setsid()\n if os.fork()==0:\n  os.closerange(0,99)\n  import time; "
           "time.sleep(100)\n os._exit(0)\nos.wait()\nprint('loss=1')\"",
       }) {
    const WorkResult result = run(shell(script));
    EXPECT_EQ(result.end, WorkResult::End::exited) << script;
    EXPECT_EQ(result.metric.value, 1) << script;
    EXPECT_GE(result.survivors, 1) << script;
    EXPECT_EQ(test::processes_with(marker_), 0) << script;
  }
}

TEST_F(Supervision, L7_APipeThatEndsByItselfIsNotCut) {
  const WorkResult result = run(shell("(sleep 0.1; echo loss=7) & exit 0"));
  EXPECT_EQ(result.metric.value, 7);
  EXPECT_EQ(result.survivors, 0);
}

TEST_F(Supervision, L8_StopEndsTheGroup) {
  WorkerPool pool(1);
  pool.start(0, shell("setsid sleep 100 & sleep 100"));
  test::wait_until([&] { return test::processes_with(marker_) >= 3; });
  pool.stop(0, false);
  EXPECT_EQ(finish(pool).end, WorkResult::End::stopped);
  EXPECT_EQ(test::processes_with(marker_), 0);
  pool.start(0, shell("echo loss=1"));  // the worker is as good as before
  EXPECT_EQ(finish(pool).metric.value, 1);
}

TEST_F(Supervision, L8_WhenThePoolGoesEverythingGoes) {
  {
    WorkerPool pool(2);
    pool.start(0, shell("trap '' TERM; setsid sleep 100 & sleep 100"));
    pool.start(1, shell("sleep 100"));
    test::wait_until([&] { return test::processes_with(marker_) >= 4; });
  }
  EXPECT_EQ(test::processes_with(marker_), 0);
}

TEST_F(Supervision, L8_AKilledWorkerIsReportedAndItsCommandEnds) {
  WorkerPool pool(2);
  pool.start(0, shell("setsid sleep 100 & sleep 100"));
  test::wait_until([&] { return test::processes_with(marker_) >= 3; });
  ASSERT_EQ(children().size(), 2U);
  kill(children()[0], SIGKILL);
  EXPECT_EQ(finish(pool).end, WorkResult::End::lost);
  EXPECT_FALSE(pool.alive(0));
  EXPECT_TRUE(pool.alive(1));
  test::wait_until([&] { return test::processes_with(marker_) == 0; });
}

TEST_F(Supervision, L9_AFullDiskForLogsDoesNotFailTheTrial) {
  std::filesystem::create_directory(folder_ + "/trial");
  std::filesystem::create_symlink("/dev/full", folder_ + "/full");
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  // A file-size limit fails writes just as a full disk does, and needs no privileges.
  const rlimit small{20000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  std::signal(SIGXFSZ, SIG_IGN);
  const WorkResult result = run(shell("head -c 100000 /dev/zero; echo; echo loss=4"));
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(result.end, WorkResult::End::exited);
  EXPECT_EQ(result.metric.value, 4);
  EXPECT_NE(result.log_notice.find("was cut: File too large"), std::string::npos) << result.log_notice;
}

TEST_F(Supervision, L10_ArgumentsArriveByteForByteAndTooLongOnesFailClearly) {
  const std::vector<std::string> hostile = {
      "", "-n", "--", "a b\tc\nd", "$(id)`id`", "'\"\\", "*?[", "\xff\xfe", std::string(100000, 'x')};
  WorkRequest request = shell("");
  request.command = {"python3", "-c",
                     "import os,sys\nopen('got','wb').write(b'\\0'.join(os.fsencode(a) for a in sys.argv[1:]))"};
  request.command.insert(request.command.end(), hostile.begin(), hostile.end());
  EXPECT_EQ(run(request).code, 0);
  std::string expected;
  for (const std::string& word : hostile) expected += (&word == hostile.data() ? "" : std::string(1, '\0')) + word;
  EXPECT_EQ(read("got"), expected);

  request.command = {"true", std::string(200 << 10, 'x')};
  WorkResult result = run(request);
  EXPECT_EQ(result.end, WorkResult::End::spawn_failed);
  EXPECT_EQ(result.code, E2BIG);
  EXPECT_NE(result.problem.find("{params_file}"), std::string::npos);
  request.command = {"true", std::string("a\0b", 3)};
  EXPECT_NE(run(request).problem.find("NUL"), std::string::npos);
}

TEST_F(Supervision, CommandsStartClean) {
  // No blocked or ignored signals, no descriptors but the three, a group of its own, standard input at its end.
  const WorkResult result = run(shell(
      "grep -E '^Sig(Blk|Ign)' /proc/self/status; ls /proc/self/fd | wc -l; [ $(ps -o pgid= $$) -eq $$ ] && echo own-group"));
  EXPECT_EQ(result.code, 0);
  const std::string out = read("trial/stdout");
  EXPECT_NE(out.find("SigBlk:\t0000000000000000"), std::string::npos) << out;
  EXPECT_NE(out.find("SigIgn:\t0000000000000000"), std::string::npos) << out;
  EXPECT_NE(out.find("\n4\n"), std::string::npos) << out;  // 0, 1, 2 and the directory that ls reads
  EXPECT_NE(out.find("own-group"), std::string::npos) << out;
}

TEST_F(Supervision, AttemptsKeepTheirOutput) {
  run(shell("echo first"));
  run(shell("echo second"));
  EXPECT_EQ(read("trial/stdout"), "second\n");
  EXPECT_EQ(read("trial/stdout.1"), "first\n");
}

TEST(Owner, IsAliveWhileItsProcessIs) {
  EXPECT_EQ(owner_state(owner_json()), OwnerState::alive);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const std::string text = owner_json();
    (void)!write(ends[1], text.data(), text.size());
    _exit(0);
  }
  close(ends[1]);
  char buffer[512] = {};
  const ssize_t length = ::read(ends[0], buffer, sizeof buffer - 1);
  ASSERT_GT(length, 0);
  waitpid(child, nullptr, 0);
  close(ends[0]);
  const std::string text(buffer, static_cast<std::size_t>(length));
  EXPECT_EQ(owner_state(text), OwnerState::dead);
  std::string elsewhere = owner_json();
  elsewhere.replace(elsewhere.find("\"host\":\"") + 8, 1, "#");
  EXPECT_EQ(owner_state(elsewhere), OwnerState::unknown);
  std::string rebooted = owner_json();
  rebooted.replace(rebooted.find("\"boot\":\"") + 8, 1, "#");
  EXPECT_EQ(owner_state(rebooted), OwnerState::dead);
  for (const char* garbage : {"", "{", "[]", "\"x\"", "{\"host\":1}", "null"})
    EXPECT_EQ(owner_state(garbage), OwnerState::unknown);
}

}  // namespace
}  // namespace warpbo::cli
