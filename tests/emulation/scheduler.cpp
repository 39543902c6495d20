#include "emulation/scheduler.hpp"

#include "emulation/state.hpp"
#include "emulation/where.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>
#include <utility>

constinit thread_local uint3 threadIdx{0, 0, 0};
constinit thread_local uint3 blockIdx{0, 0, 0};
constinit thread_local dim3 blockDim;
constinit thread_local dim3 gridDim;

namespace warpbo::emulation {

namespace {

constinit thread_local Scheduler* running_scheduler = nullptr;

constexpr std::int64_t kMaxIdleTurns = 1 << 18;

std::string lanes(unsigned mask) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", mask);
  return text;
}

std::uint64_t volume(const dim3& shape) { return std::uint64_t{shape.x} * shape.y * shape.z; }

uint3 coordinates(std::uint64_t number, const dim3& shape) {
  return {static_cast<unsigned>(number % shape.x), static_cast<unsigned>(number / shape.x % shape.y),
          static_cast<unsigned>(number / shape.x / shape.y)};
}

/// The numbers 0 .. count - 1 in order: steps of 1, of -1, or of a random number coprime to count, modulo count.
class BlockOrder {
 public:
  BlockOrder(Order order, std::uint64_t count, std::mt19937_64& random) : count_(count) {
    if (order == Order::descending) {
      step_ = next_ = count - 1;
    } else if (order == Order::shuffled) {
      do step_ = 1 + random() % count;
      while (std::gcd(step_, count) != 1);
      next_ = random() % count;
    }
  }
  std::uint64_t take() { return std::exchange(next_, (next_ + step_) % count_); }

 private:
  std::uint64_t count_, step_ = 1, next_ = 0;
};

}  // namespace

Scheduler& Scheduler::here() {
  thread_local Scheduler scheduler;
  return scheduler;
}

Scheduler& Scheduler::running() {
  if (running_scheduler == nullptr) throw Error("a function for kernels was called outside of a kernel");
  return *running_scheduler;
}

Scheduler::~Scheduler() {
  stopping_ = true;
  for (const auto& worker : workers_) main_.switch_to(worker->fiber);
}

// ----------------------------------------------------------------------------------------------------- launches, blocks

void Scheduler::run(const Launch& launch) {
  if (running_scheduler != nullptr) throw Error("a kernel was launched from within a kernel");
  const std::uint64_t blocks = volume(launch.grid);
  prepare(launch);
  running_scheduler = this;
  struct Leave {
    ~Leave() { running_scheduler = nullptr; }
  } leave;
  BlockOrder order(sequence_, blocks, random_);
  for (std::uint64_t i = 0; i < blocks; ++i) run_block(launch, order.take());
  count({.blocks = static_cast<std::int64_t>(blocks),
         .threads = static_cast<std::int64_t>(blocks * threads_.size()),
         .switches = std::exchange(switches_, 0)});
}

void Scheduler::prepare(const Launch& launch) {
  const Options settings = options();
  sequence_ = settings.order;
  random_.seed(settings.seed + static_cast<std::uint64_t>(counters().launches));
  launch_ = &launch;
  memory_.begin_launch(launch.shared, launch.opted_in);
  threads_.resize(volume(launch.block));
  for (std::size_t i = 0; i < threads_.size(); ++i) threads_[i].index = coordinates(i, launch.block);
  waiting_.resize((threads_.size() + 31) / 32);
  arrange();
}

void Scheduler::run_block(const Launch& launch, std::uint64_t number) {
  blockDim = launch.block;
  gridDim = launch.grid;
  blockIdx = coordinates(number, launch.grid);
  begin_block();
  change(main_, idle_worker().fiber);
  if (!failure_ && ended_ < threads_.size()) failure_ = std::make_exception_ptr(Error(describe_stuck()));
  if (failure_) {
    unwind();
    std::rethrow_exception(std::exchange(failure_, nullptr));
  }
}

void Scheduler::begin_block() {
  memory_.begin_block();
  for (Thread& thread : threads_) thread.state = State::fresh;
  std::fill(waiting_.begin(), waiting_.end(), 0u);
  ended_ = arrived_ = 0;
  votes_ = 0;
  idle_turns_ = 0;
  begin_sweep();
}

/// Makes every thread that waits throw Abandoned, so that its stack is left in order.
void Scheduler::unwind() {
  for (Thread& thread : threads_)
    if (thread.worker != nullptr) {
      current_ = &thread;
      change(main_, thread.worker->fiber);
    }
}

// -------------------------------------------------------------------------------------------------------------- workers

Scheduler::Worker& Scheduler::idle_worker() {
  if (idle_.empty()) {
    workers_.push_back(std::make_unique<Worker>(*this));
    return *workers_.back();
  }
  Worker& worker = *idle_.back();
  idle_.pop_back();
  return worker;
}

Fiber& Scheduler::work(Worker& worker) {
  while (!stopping_) {
    Thread* next = std::exchange(worker.next, nullptr);
    if (next == nullptr) next = next_thread();
    if (next != nullptr && next->worker == nullptr) {
      run_thread(worker, *next);
      continue;
    }
    idle_.push_back(&worker);
    current_ = next;
    change(worker.fiber, next == nullptr ? main_ : next->worker->fiber);
  }
  return main_;
}

void Scheduler::run_thread(Worker& worker, Thread& thread) {
  thread.worker = &worker;
  current_ = &thread;
  threadIdx = thread.index;
  try {
    launch_->run();
  } catch (const Abandoned&) {
  } catch (...) {
    failure_ = std::current_exception();
  }
  thread.worker = nullptr;
  thread.state = State::ended;
  idle_turns_ = 0;
  ++ended_;
}

/// Writes down the order of the warps, and of the lanes in each.
void Scheduler::arrange() {
  std::vector<std::uint32_t> warps(waiting_.size());
  std::iota(warps.begin(), warps.end(), 0u);
  if (sequence_ == Order::descending) std::reverse(warps.begin(), warps.end());
  if (sequence_ == Order::shuffled) std::shuffle(warps.begin(), warps.end(), random_);
  order_.clear();
  first_.resize(warps.size());
  for (const std::uint32_t warp : warps) {
    first_[warp] = order_.size();
    const auto end = std::min<std::uint32_t>(32 * (warp + 1), static_cast<std::uint32_t>(threads_.size()));
    for (std::uint32_t number = 32 * warp; number < end; ++number) order_.push_back(number);
    const auto lanes = order_.begin() + static_cast<std::ptrdiff_t>(first_[warp]);
    if (sequence_ == Order::descending) std::reverse(lanes, order_.end());
    if (sequence_ == Order::shuffled) std::shuffle(lanes, order_.end(), random_);
  }
}

void Scheduler::begin_sweep() {
  position_ = 0;
  warps_run_ahead_ = sequence_ != Order::shuffled || random_() % 4 != 0;
  if (sequence_ == Order::shuffled) arrange();
}

/// The next thread, in order, that can run. Null if none can, or if the block has failed.
Scheduler::Thread* Scheduler::next_thread() {
  if (failure_ || ended_ == threads_.size()) return nullptr;
  for (int sweep = 0; sweep < 2; ++sweep) {
    while (position_ < order_.size()) {
      Thread& thread = threads_[order_[position_++]];
      if (thread.state == State::fresh || thread.state == State::ready) return &thread;
    }
    begin_sweep();
  }
  return nullptr;
}

/// Lets others run until `self` can go on and has its turn.
void Scheduler::suspend(Thread& self) {
  Thread* next = next_thread();
  if (next != &self) {
    Fiber& own = self.worker->fiber;
    if (next == nullptr) {
      change(own, main_);
    } else if (next->worker != nullptr) {
      current_ = next;
      change(own, next->worker->fiber);
    } else {
      Worker& worker = idle_worker();
      worker.next = next;
      change(own, worker.fiber);
    }
    if (failure_) throw Abandoned();
    threadIdx = self.index;
  }
  current_ = &self;
}

void Scheduler::change(Fiber& from, Fiber& to) {
  ++switches_;
  from.switch_to(to);
}

// ------------------------------------------------------------------------------------------------- barriers, warp operations

int Scheduler::barrier(bool vote, const Where& where) {
  Thread& self = *current_;
  if (arrived_ > 0 && !same(where, barrier_))
    throw Error("block " + block_name() + ": threads wait at two barriers, " + name_of(barrier_) + " and " + name_of(where));
  barrier_ = self.where = where;
  self.state = State::at_barrier;
  votes_ += vote ? 1 : 0;
  idle_turns_ = 0;
  if (++arrived_ == threads_.size()) {
    arrived_ = 0;
    result_ = std::exchange(votes_, 0);
    for (Thread& thread : threads_) thread.state = State::ready;
  }
  suspend(self);
  return result_;
}

int Scheduler::lane() const { return static_cast<int>((current_ - threads_.data()) % warpSize); }

Exchanged Scheduler::exchange(unsigned mask, std::uint64_t value, int source, const Where& where) {
  Thread& self = *current_;
  const std::size_t number = static_cast<std::size_t>(current_ - threads_.data());
  unsigned& waiting = waiting_[number / 32];
  const unsigned own = 1u << (number % 32);
  if ((mask & own) == 0)
    throw Error("block " + block_name() + ": a lane at " + name_of(where) + " is not in its own mask " + lanes(mask));
  self.state = State::at_warp_operation;
  self.where = where;
  self.mask = mask;
  self.deposit = value;
  self.source = source;
  idle_turns_ = 0;
  waiting |= own;
  if ((waiting & mask) == mask) {
    finish_exchange(static_cast<unsigned>(number / 32 * 32), mask);
    waiting &= ~mask;
    if (warps_run_ahead_) position_ = first_[number / 32];
  }
  suspend(self);
  return self.taken;
}

/// All lanes of the mask are here: computes what each of them takes. None can deposit again before it has taken that.
void Scheduler::finish_exchange(unsigned first, unsigned mask) {
  const Where& where = current_->where;
  unsigned ballot = 0;
  for (unsigned rest = mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(std::countr_zero(rest));
    const Thread& thread = threads_[first + lane];
    if (thread.mask != mask || !same(thread.where, where))
      throw Error("block " + block_name() + ": lanes of warp " + std::to_string(first / 32) +
                  " wait at different warp operations, " + name_of(thread.where) + " with mask " + lanes(thread.mask) +
                  " and " + name_of(where) + " with mask " + lanes(mask));
    if (thread.deposit != 0) ballot |= 1u << lane;
  }
  for (unsigned rest = mask; rest != 0; rest &= rest - 1) {
    Thread& thread = threads_[first + static_cast<unsigned>(std::countr_zero(rest))];
    const bool known = thread.source >= 0 && thread.source < warpSize && (mask >> thread.source & 1) != 0;
    thread.taken = {known ? threads_[first + static_cast<unsigned>(thread.source)].deposit : ~std::uint64_t{0}, ballot};
    thread.state = State::ready;
  }
}

void Scheduler::give_way(const Where& where) {
  if (++idle_turns_ > kMaxIdleTurns)
    throw Error("block " + block_name() + ": a thread at " + name_of(where) +
                " waits for something that no thread of its block does (blocks run one after another)");
  Thread& self = *current_;
  self.state = State::ready;
  suspend(self);
}

// -------------------------------------------------------------------------------------------------------------- reports

std::string Scheduler::block_name() const {
  return "(" + std::to_string(blockIdx.x) + ", " + std::to_string(blockIdx.y) + ", " + std::to_string(blockIdx.z) + ")";
}

std::string Scheduler::describe_stuck() const {
  std::string text = "block " + block_name() + " is stuck: ";
  if (arrived_ > 0)
    text += std::to_string(arrived_) + " of " + std::to_string(threads_.size() - ended_) + " live threads at the barrier " +
            name_of(barrier_) + "; ";
  for (std::size_t warp = 0; warp < waiting_.size(); ++warp) {
    if (waiting_[warp] == 0) continue;
    const auto first = warp * 32 + static_cast<std::size_t>(std::countr_zero(waiting_[warp]));
    const Thread& thread = threads_[first];
    text += "lanes " + lanes(waiting_[warp]) + " of warp " + std::to_string(warp) + " at " + name_of(thread.where) +
            " wait for lanes " + lanes(thread.mask & ~waiting_[warp]) + "; ";
  }
  return text + std::to_string(ended_) + " threads have ended";
}

// ------------------------------------------------------------------------------------------------ what device functions call

int block_barrier(bool vote, const Where& where) { return Scheduler::running().barrier(vote, where); }
Exchanged warp_exchange(unsigned mask, std::uint64_t value, int source, const Where& where) {
  return Scheduler::running().exchange(mask, value, source, where);
}
int lane_number() { return Scheduler::running().lane(); }
void give_way(const Where& where) { Scheduler::running().give_way(where); }
void* block_object(const void* key, std::size_t bytes, const Where& where) {
  return Scheduler::running().memory().object(key, bytes, where);
}
double* block_dynamic_memory() { return Scheduler::running().memory().dynamic(); }

}  // namespace warpbo::emulation
