#include "attached/attached.hpp"

#include <algorithm>
#include <cstring>

#include "base/error.hpp"

namespace chunkflow {

Attached::Attached(const AttachedProgram& program, int device, std::uint64_t pinnedLimit, const SharedCopy& shared)
    : program_(program), device_(Device::open(device)) {
  const Program& of = program.program;
  store_ = std::make_unique<WeightStore>(*device_, of, plan(), pinnedLimit, shared);
  memory_ = std::make_unique<PlanMemory>(*device_, of, plan());
  streams_.copy = device_->stream("copy", Priority::Urgent);
  if (carriesCollectives()) {
    streams_.stageOut = device_->stream("stage-out");
    streams_.stageIn = device_->stream("stage-in");
  }
  worker_ = std::make_unique<CopyWorker>(*device_, streams_);
  for (auto& event : joined_) event = device_->event(false);

  Rank::Impl listing{.program = of, .plan = plan(), .listed = &copies_};
  Rank list(listing);
  for (const AttachedBlock& block : program.blocks) {
    for (const Hook hook : block.hooks) {
      if (hook != nullptr) hook(list, block.row);
    }
  }
  if (std::any_of(copies_.begin(), copies_.end(), [](const PlannedCopy& copy) { return copy.prefetch.paceS > 0; })) {
    // A GPU's driver compiles the kernel of pauses at its first launch: here, and not in the middle of a step.
    delay(*streams_.copy, 1e-9);
    chunkflow::synchronize(*streams_.copy);
  }
  rankState_ = std::make_unique<Rank::Impl>(Rank::Impl{.program = of, .plan = plan()});
  rankState_->memory = memory_.get();
  rankState_->store = store_.get();
  rankState_->worker = worker_.get();
  rankState_->makeEvents(*device_);
  rank_ = std::make_unique<Rank>(*rankState_);
}

Attached::~Attached() {
  try {
    synchronize();
  } catch (const std::exception&) {
    // Whoever closes after a failure has been told of it.
  }
  worker_.reset();
}

bool Attached::carriesCollectives() const { return plan().carrier.by == Carrier::By::CopyEngines; }

void Attached::join(const LinkCalls& calls, int rank, int ranks) {
  if (!carriesCollectives()) throw UserError("the plan leaves collectives to the model; plan with --transport staged-copy");
  if (ranks != program_.program.groupSize) {
    throw UserError("the plan is for " + std::to_string(program_.program.groupSize) + " ranks, the group has " +
                    std::to_string(ranks) + "; profile and plan with as many");
  }
  link_ = std::make_unique<Link>(*device_, calls, rank, ranks, plan().stagingBytes);
  rank_->impl().staging = &link_->staging();
  rank_->impl().groupRank = rank;
}

void Attached::checkBlock(int block) const {
  if (block >= 0 && block < blocks()) return;
  throw UserError("block " + std::to_string(block) + ": the plan has blocks 0 to " + std::to_string(blocks() - 1));
}

void Attached::checkRange(int block, std::uint64_t from, std::uint64_t bytes) const {
  checkBlock(block);
  const std::uint64_t size = program_.program.blocks[static_cast<std::size_t>(block)].bytes;
  if (from <= size && bytes <= size - from) return;
  throw UserError("block " + std::to_string(block) + " has " + std::to_string(size) + " bytes, not " +
                  std::to_string(bytes) + " from " + std::to_string(from) + " on");
}

int Attached::slotNow(int block) const {
  const int slot = plan().slotOf[static_cast<std::size_t>(block)];
  return slot < 0 ? -1 : physicalSlot(plan(), slot, rank_->impl().step);
}

std::uint64_t Attached::residentPart(int block, std::uint64_t from, std::uint64_t bytes) const {
  const std::uint64_t front = store_->from(block);
  return from < front ? std::min(bytes, front - from) : 0;
}

std::byte* Attached::residentFront(int block) const {
  const int slot = plan().slotOf[static_cast<std::size_t>(block)];
  return memory_->weights(block, slot < 0 ? -1 : physicalSlot(plan(), slot, 0));
}

std::byte* Attached::device(int block, int slot) const {
  checkBlock(block);
  const int first = plan().slotOf[static_cast<std::size_t>(block)];
  if (first < 0) return slot < 0 ? memory_->weights(block, -1) : nullptr;
  for (int step = 0; step <= plan().ringPeriod; ++step) {
    if (physicalSlot(plan(), first, step) == slot) return memory_->weights(block, slot);
  }
  return nullptr;
}

void Attached::load(int block, const std::byte* source, bool isOnDevice, std::uint64_t from, std::uint64_t bytes) {
  const Entered entered(*device_);
  checkRange(block, from, bytes);
  synchronize();
  const auto resident = static_cast<std::size_t>(residentPart(block, from, bytes));
  const std::size_t streamed = static_cast<std::size_t>(bytes) - resident;
  if (resident > 0) {
    std::byte* front = residentFront(block) + from;
    if (isOnDevice) {
      copyOnDevice(*streams_.copy, front, source, resident);
    } else {
      copyToDevice(*streams_.copy, front, source, resident);
    }
  }
  if (streamed > 0 && store_->isFilledHere()) {
    std::byte* host = store_->at(block, from + resident);
    if (isOnDevice) {
      copyToHost(*streams_.copy, host, source + resident, streamed);
    } else {
      std::memcpy(host, source + resident, streamed);
    }
  }
  // Streamed weights have changed (here or in another process), so this process's slots are stale.
  if (streamed > 0) isStale_ = true;
  chunkflow::synchronize(*streams_.copy);
}

void Attached::read(int block, std::byte* host, std::uint64_t from, std::uint64_t bytes) {
  const Entered entered(*device_);
  checkRange(block, from, bytes);
  synchronize();
  const std::uint64_t resident = residentPart(block, from, bytes);
  if (resident > 0) {
    copyToHost(*streams_.copy, host, residentFront(block) + from, static_cast<std::size_t>(resident));
    chunkflow::synchronize(*streams_.copy);
  }
  if (bytes > resident) {
    std::memcpy(host + resident, store_->at(block, from + resident), static_cast<std::size_t>(bytes - resident));
  }
}

void Attached::invalidate() { isStale_ = true; }

void Attached::useStream(void* handle) {
  if (compute_ && handle == handle_) return;
  compute_ = device_->adopt(handle);
  handle_ = handle;
  rank_->impl().compute = compute_.get();
}

int Attached::begin(int block, void* stream) {
  const Entered entered(*device_);
  checkBlock(block);
  useStream(stream);
  if (link_) link_->check();
  if (isStale_ || running_ >= 0 || block != next_) restart(block);
  running_ = block;
  nextHook_ = 0;
  runHooks(1, false);
  ++counts_.begins;
  return slotNow(block);
}

void Attached::collectiveBegins(int index, void* stream) {
  const Entered entered(*device_);
  if (running_ < 0) return;
  const AttachedBlock& block = program_.blocks[static_cast<std::size_t>(running_)];
  if (index < 0 || index >= block.collectives()) {
    ++counts_.unplanned;
    return;
  }
  useStream(stream);
  runHooks(static_cast<std::size_t>(2 * index + 2), false);
}

void Attached::collectiveEnds(int index, void* stream) {
  const Entered entered(*device_);
  if (running_ < 0) return;
  const AttachedBlock& block = program_.blocks[static_cast<std::size_t>(running_)];
  if (index < 0 || index >= block.collectives()) return;
  useStream(stream);
  runHooks(static_cast<std::size_t>(2 * index + 3), false);
}

void Attached::exchange(int index, const std::byte* send, std::byte* recv, std::uint64_t bytesPerPeer, void* stream) {
  const Entered entered(*device_);
  if (!link_) throw UserError("no ranks have been joined for the plan's own collectives");
  if (running_ < 0) throw UserError("a collective outside of the blocks is the model's own");
  const AttachedBlock& block = program_.blocks[static_cast<std::size_t>(running_)];
  if (index < 0 || index >= block.collectives()) {
    throw UserError("block " + std::to_string(running_) + " has " + std::to_string(block.collectives()) +
                    " collectives in the plan, not " + std::to_string(index + 1));
  }
  link_->check();
  useStream(stream);
  const auto hook = static_cast<std::size_t>(2 * index + 1);
  if (nextHook_ > hook) throw UserError("collective " + std::to_string(index) + " has been passed already");
  runHooks(hook, true);
  const Rank::Impl::Exchange exchanged{send, recv, bytesPerPeer};
  rank_->impl().exchange = &exchanged;
  try {
    runHooks(hook + 1, false);
  } catch (...) {
    rank_->impl().exchange = nullptr;
    throw;
  }
  rank_->impl().exchange = nullptr;
  runHooks(hook + 2, false);
  ++counts_.exchanged;
  link_->check();
}

void Attached::end(int block, void* stream) {
  const Entered entered(*device_);
  checkBlock(block);
  // The block's begin was not seen, or another block has begun since: the next begin restarts.
  if (running_ != block) return;
  useStream(stream);
  const std::size_t hooks = program_.blocks[static_cast<std::size_t>(block)].hooks.size();
  runHooks(hooks - 1, true);
  runHooks(hooks, false);
  running_ = -1;
  next_ = (block + 1) % blocks();
  if (next_ == 0) ++rank_->impl().step;
}

void Attached::runHooks(std::size_t end, bool isLate) {
  const AttachedBlock& block = program_.blocks[static_cast<std::size_t>(running_)];
  Rank::Impl& impl = rank_->impl();
  const bool didAny = nextHook_ < end;
  for (; nextHook_ < end; ++nextHook_) {
    if (block.hooks[nextHook_] == nullptr) continue;
    const std::size_t before = impl.batch.size();
    block.hooks[nextHook_](*rank_, block.row);
    // One that was passed over, as all are whose collective did not come.
    if ((isLate || nextHook_ + 1 < end) && impl.batch.size() > before) ++counts_.lateWindows;
  }
  if (!didAny) return;
  impl.submit();
  settle(*compute_);
}

void Attached::restart(int block) {
  Rank::Impl& impl = rank_->impl();
  impl.batch.clear();
  // Going back to an earlier block counts as the next step, so that positions only grow.
  if (block <= (running_ >= 0 ? running_ : next_ - 1)) ++impl.step;
  running_ = -1;
  impl.joinedAt = impl.placeOf(impl.step, block);
  impl.forgetMarks();
  // The copies below wait for kernels that still read the slots, and the block waits for the copies.
  worker_->drain();
  record(*compute_, *joined_[0]);
  impl.batch.push_back({.kind = CopyCommand::Kind::Wait, .event = joined_[0].get()});
  for (std::int64_t step = impl.step - 1; step <= impl.step; ++step) {
    for (const auto& [issuedAt, prefetch] : copies_) {
      const std::int64_t toStep = step + prefetch.target.stepsAhead;
      const bool isIssued = impl.placeOf(step, issuedAt) < impl.joinedAt;
      if (isIssued && impl.placeOf(toStep, prefetch.target.position) >= impl.joinedAt) impl.copy(prefetch, toStep);
    }
  }
  impl.batch.push_back({.kind = CopyCommand::Kind::Record, .event = joined_[1].get()});
  impl.submit();
  worker_->drain();
  wait(*compute_, *joined_[1]);
  settle(*compute_);
  isStale_ = false;
  ++counts_.restarts;
}

void Attached::synchronize() {
  const Entered entered(*device_);
  const std::chrono::nanoseconds before = worker_->waited();
  worker_->drain();
  notAtPoints_ += worker_->waited() - before;
  for (const auto* stream : {&streams_.copy, &streams_.stageOut, &streams_.stageIn}) {
    if (*stream) chunkflow::synchronize(**stream);
  }
  if (compute_) chunkflow::synchronize(*compute_);
}

AttachedCounts Attached::counts() const {
  AttachedCounts counts = counts_;
  counts.chunks = worker_->chunks();
  counts.bytes = worker_->bytes();
  counts.waitedNs = static_cast<std::uint64_t>((worker_->waited() - notAtPoints_).count());
  return counts;
}

namespace {

template <class Values, class Text>
std::string listed(const Values& values, Text text) {
  std::string list;
  for (const auto& value : values) list += (list.empty() ? "" : ",") + text(value);
  return "[" + list + "]";
}

}  // namespace

std::string attachedFacts(const AttachedProgram& attached, const char* backend) {
  const Program& program = attached.program;
  const PlanProgram& plan = program.plans[0];
  const auto number = [](auto value) { return std::to_string(value); };
  const auto points = [](const AttachedBlock& block) {
    std::string text;
    for (int index = 0; index < block.collectives(); ++index) {
      for (const int point : {0, 1}) {
        text += std::string(text.empty() ? "" : ",") + (block.enqueuesAt(index, point) ? "true" : "false");
      }
    }
    return "[" + text + "]";
  };
  // Names come from the generator, which keeps them to letters, digits, dots and dashes.
  return std::string("{\"tool\":\"") + program.tool + "\",\"id\":\"" + program.id + "\",\"fingerprint\":\"" +
         attached.layout + "\",\"source\":\"" + program.fingerprint + "\",\"backend\":\"" + backend +
         "\",\"blocks\":" + number(program.blocksPerPass) + ",\"ranks\":" + number(program.groupSize) +
         ",\"stagingBytes\":" + number(plan.stagingBytes) + ",\"hostBytes\":" + number(WeightStore::bytesOf(program, plan)) + ",\"slots\":" + number(plan.slots) + ",\"slotBytes\":" + number(plan.slotBytes) + ",\"blockBytes\":" +
         listed(program.blocks, [&](const BlockWeights& block) { return number(block.bytes); }) + ",\"residentBytes\":" +
         listed(plan.residentBytes, number) + ",\"collectives\":" +
         listed(attached.blocks, [&](const AttachedBlock& block) { return number(block.collectives()); }) +
         ",\"enqueues\":" + listed(attached.blocks, points) + ",\"messageBytes\":" +
         listed(attached.blocks, [&](const AttachedBlock& block) { return listed(block.messages, number); }) + "}";
}

}  // namespace chunkflow
