/// Runs the blocks of a launch one after another, and the threads of a block as fibers of the calling OS thread.
///
/// A worker is a fiber that runs fresh threads of the block in a plain loop, until one of them has to wait. That thread keeps
/// the worker's stack; another worker takes up the loop. A block whose threads never wait thus costs one switch each way.
/// A thread that waits switches straight to the next one that can run; the fiber of the OS thread has its turn only when none
/// can: the block has ended, has failed or is stuck.
///
/// Order. A thread runs until it waits, and a warp runs ahead of the others until its threads wait at the barrier of the block
/// or have ended: what threads do between two barriers of the block comes as far apart as it can. `shuffled` mixes the warps,
/// and the lanes within each, anew for every round, and lets no warp run ahead in one round of four.
///
/// Cost, measured on one core of a Xeon server: 15 to 25 ns for a thread to wait and go on, 85 ns under AddressSanitizer (150
/// in blocks of 1024); 7 ns for a thread that never waits; 7 us for a launch, most of it to open and close the device's memory.
#pragma once

#include "emulation/block_memory.hpp"
#include "emulation/emulation.hpp"
#include "emulation/fiber.hpp"

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace warpbo::emulation {

struct Launch {
  dim3 grid;
  dim3 block;
  std::size_t shared = 0;     ///< bytes of dynamic shared memory
  bool opted_in = false;      ///< to more than 48 KiB of it
  std::function<void()> run;  ///< one thread of the kernel
};

class Scheduler {
 public:
  /// Of the calling OS thread.
  static Scheduler& here();
  /// The one whose kernel calls. Throws Error outside of a kernel.
  static Scheduler& running();

  Scheduler() = default;
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  void run(const Launch& launch);

  // What the device functions need.
  int barrier(bool vote, const Where& where);
  Exchanged exchange(unsigned mask, std::uint64_t value, int source, const Where& where);
  void give_way(const Where& where);
  [[nodiscard]] int lane() const;
  [[nodiscard]] BlockMemory& memory() { return memory_; }

 private:
  enum class State : std::uint8_t { fresh, ready, at_barrier, at_warp_operation, ended };
  struct Worker;
  struct Thread {
    uint3 index{};
    State state = State::fresh;
    Worker* worker = nullptr;  // whose stack it occupies
    Where where;               // what it waits for, if it waits
    // Its part in a warp operation.
    unsigned mask = 0;
    std::uint64_t deposit = 0;
    int source = 0;
    Exchanged taken{};
  };
  struct Worker {
    explicit Worker(Scheduler& scheduler) : fiber([this, &scheduler]() -> Fiber& { return scheduler.work(*this); }) {}
    Fiber fiber;
    Thread* next = nullptr;  // to be run first when it continues
  };
  struct Abandoned {};  // unwinds the threads of a block that failed

  void prepare(const Launch& launch);
  void run_block(const Launch& launch, std::uint64_t number);
  void begin_block();
  void unwind();
  Fiber& work(Worker& worker);
  void run_thread(Worker& worker, Thread& thread);
  void arrange();
  void begin_sweep();
  Thread* next_thread();
  void suspend(Thread& self);
  void change(Fiber& from, Fiber& to);
  Worker& idle_worker();
  void finish_exchange(unsigned first, unsigned mask);
  [[nodiscard]] std::string describe_stuck() const;
  [[nodiscard]] std::string block_name() const;

  Fiber main_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<Worker*> idle_;
  bool stopping_ = false;

  // The launch.
  const Launch* launch_ = nullptr;
  BlockMemory memory_;
  std::mt19937_64 random_;
  Order sequence_ = Order::ascending;
  std::int64_t switches_ = 0;

  // The block.
  std::vector<Thread> threads_;
  std::vector<unsigned> waiting_;     // per warp: the lanes that are at a warp operation
  std::vector<std::uint32_t> order_;  // in which threads have their turn, warp by warp
  std::vector<std::size_t> first_;    // per warp: where it begins in `order_`
  std::size_t position_ = 0;          // in `order_`
  bool warps_run_ahead_ = true;       // a warp goes on after a warp operation before the others have their turn
  Thread* current_ = nullptr;
  std::size_t ended_ = 0;
  std::size_t arrived_ = 0;  // at the barrier
  int votes_ = 0, result_ = 0;
  Where barrier_;
  std::int64_t idle_turns_ = 0;  // since a thread last did more than give way
  std::exception_ptr failure_;
};

}  // namespace warpbo::emulation
