// A plan's memory and what lies in it before a step; how its steps are run is in active_plan_steps.cpp.
#include "measure/active_plan.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "base/error.hpp"
#include "ranks/agree.hpp"
#include "weights/safetensors_file.hpp"

namespace chunkflow {

namespace {

constexpr float OUTSIDE_SCALE = 0.02f;
/// Bytes that one thread generates at a time.
constexpr std::size_t PART_BYTES = std::size_t{1} << 20;

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// What a reader of saved outputs must know of them.
std::vector<std::pair<std::string, std::string>> outputFacts(const Session& session, const PlanProgram& plan, int steps) {
  const Program& program = session.program;
  const GivenInputs& inputs = session.given();
  return {{"program", program.id},
          {"fingerprint", program.fingerprint},
          {"plan", plan.name},
          {"mirrored", program.mirrored ? "true: rows of one rank" : "false"},
          {"forwardPasses", std::to_string(steps * passesOf(program))},
          {"inputs", inputs.path()},
          {"given", joined(inputs.given())},
          {"random", joined(inputs.random())},
          {"seed", std::to_string(session.options.seed)},
          {"weights", session.options.weights.empty() ? "random" : session.options.weights}};
}

}  // namespace

ActivePlan::ActivePlan(Session& session, int index_)
    : index(index_), plan(session.program.plans[static_cast<std::size_t>(index_)]), session_(session) {
  Device& device = *session.device;
  device.resetPeak();
  try {
    memory_ = std::make_unique<PlanMemory>(device, session.program, plan);
  } catch (const RunError& error) {
    throw UserError("plan " + std::string(plan.name) + " needs " + gibText(PlanMemory::bytesFor(session.program, plan)) +
                    " of memory on " + device.info().name + ": " + error.what() + "; choose a smaller one (--plans)");
  }
  if (stagesItself(plan.carrier)) {
    staging_ = std::make_unique<Staging>(device, session.group, plan.stagingBytes);
  }
  transport_ = session.transportFor(plan, staging_.get());
  watched_ = std::make_unique<Watched>(session, transport_.get(), staging_.get());

  StepShape shape = shapeOf(session.program, plan, session.groupRank());
  rankState_ = std::make_unique<Rank::Impl>(Rank::Impl{
      .program = session.program, .plan = plan, .groupRank = session.groupRank(), .shape = std::move(shape)});
  rank_ = std::make_unique<Rank>(*rankState_);
  Rank::Impl& impl = *rankState_;
  impl.streams = &session.streams;
  impl.compute = &session.compute;
  impl.memory = memory_.get();
  impl.arena = &session.arena;
  impl.transport = transport_.get();
  impl.staging = staging_.get();
  impl.gate = session.gate();
  impl.synthetic = session.options.synthetic;
  impl.makeEvents(device);
  flagBase_ = device.buffer(sizeof(std::uint32_t));
  impl.base.onDevice = reinterpret_cast<std::uint32_t*>(flagBase_->data());
  for (std::size_t i = 0; i <= session.streams.all().size(); ++i) forks_.push_back(device.event(false));

  upload();
  fillInputs();
  session.meet();
  session.arena.setLocked(!impl.shape.pageable);
}

ActivePlan::~ActivePlan() = default;

std::uint64_t ActivePlan::pinnedBytes() const {
  return WeightArena::bytesFor(session_.program, std::span(&index, 1)) + (staging_ ? staging_->pinnedBytes() : 0);
}

void ActivePlan::upload() {
  Stream& copy = session_.streams[On::Copy];
  for (int block = 0; block < session_.program.blocksPerPass; ++block) {
    const std::uint64_t resident = plan.residentBytes[static_cast<std::size_t>(block)];
    if (resident == 0) continue;
    const bool whole = resident == session_.program.blocks[static_cast<std::size_t>(block)].bytes;
    // The resident front is one allocation, mapped in front of every slot that the block uses.
    int slot = -1;
    for (int position = block; !whole && slot < 0; position += session_.program.blocksPerPass) {
      slot = plan.slotOf[static_cast<std::size_t>(position)];
    }
    std::byte* device = memory_->weights(block, slot);
    const std::uint64_t held = std::min(session_.arena.heldFrom(block), resident);
    copyIn(device, held, [&](std::size_t from, std::size_t to, std::byte* out) {
      session_.values->read(block, from, to, out);
    });
    if (held < resident) copyToDevice(copy, device + held, session_.arena.at(block, held), resident - held);
  }
}

void ActivePlan::fillInputs() {
  const Program& program = session_.program;
  Compute& compute = session_.compute;
  for (const Input& input : program.inputs) {
    std::byte* device = memory_->inputs() + input.offset;
    if (input.rotary) {
      const std::vector<float>& table = session_.rotaryTable(input);
      copyIn(device, table.size() * sizeof(float), [&](std::size_t from, std::size_t to, std::byte* out) {
        std::memcpy(out, reinterpret_cast<const std::byte*>(table.data()) + from, to - from);
      });
    } else if (const StoredTensor* tensor = session_.given().find(input.name)) {
      copyGiven(device, *tensor, input.rows, input.width, input.sharded);
    } else {
      const std::uint64_t first =
          input.firstValue + (input.sharded ? static_cast<std::uint64_t>(session_.groupRank()) * input.count() : 0);
      fillRandom(compute, session_.options.seed, first, input.scale, input.mean, input.rows * input.width,
                 reinterpret_cast<bf16*>(device));
    }
  }
  if (program.outsideBytes >= sizeof(bf16)) {
    fillRandom(compute, session_.options.seed, 0, OUTSIDE_SCALE, 0,
               static_cast<std::int64_t>(program.outsideBytes / sizeof(bf16)),
               reinterpret_cast<bf16*>(memory_->outside()));
  }
}

void ActivePlan::copyIn(std::byte* device, std::size_t bytes,
                        const std::function<void(std::size_t, std::size_t, std::byte*)>& make) {
  if (bytes == 0) return;
  Stream& copy = session_.streams[On::Copy];
  // An earlier copy may still read from the bounce buffer.
  session_.waitIdle();
  std::size_t turn = 0;
  for (std::size_t at = 0; at < bytes; at += Bounce::HALF_BYTES, ++turn) {
    const std::size_t count = std::min(Bounce::HALF_BYTES, bytes - at);
    std::byte* half = session_.bounce.half(turn);
    inParallel(session_.arena.numaNode(), session_.arena.sharers(), (count + PART_BYTES - 1) / PART_BYTES,
               [&](std::size_t part) {
                 const std::size_t from = part * PART_BYTES;
                 make(at + from, at + std::min(count, from + PART_BYTES), half + from);
               });
    // Double buffering: the other half's copy ran while this half was filled.
    session_.waitIdle();
    copyToDevice(copy, device + at, half, count);
  }
}

void ActivePlan::copyGiven(std::byte* device, const StoredTensor& tensor, std::int64_t rows, std::int64_t width,
                           bool sharded) {
  const std::int64_t first = sharded ? session_.groupRank() * rows * width : 0;
  copyIn(device, static_cast<std::size_t>(rows * width) * sizeof(bf16),
         [&](std::size_t from, std::size_t to, std::byte* out) {
           readAsBf16(tensor, first + static_cast<std::int64_t>(from / sizeof(bf16)),
                      {reinterpret_cast<bf16*>(out), (to - from) / sizeof(bf16)});
         });
}

void ActivePlan::rehearse() {
  if (session_.options.synthetic) return;
  rank_->impl().mode = StepMode::Rehearse;
  rank_->impl().enqueue(*rank_);
  session_.meet();
}

void ActivePlan::restart() {
  session_.meet();
  const Program& program = session_.program;
  Rank::Impl& impl = rank_->impl();
  impl.mode = StepMode::Run;
  impl.restart();
  Stream& compute = session_.streams[On::Compute];
  Stream& copy = session_.streams[On::Copy];
  const std::vector<int>& blocks = memory_->blockOfSlot();
  for (std::size_t slot = 0; slot < blocks.size(); ++slot) {
    if (blocks[slot] < 0) continue;
    fill(copy, memory_->streamed(blocks[slot], static_cast<int>(slot)), POISON, plan.slotBytes);
  }
  for (const Primed& primed : plan.primed) {
    const int block = primed.position % program.blocksPerPass;
    const std::uint64_t from = plan.residentBytes[static_cast<std::size_t>(block)];
    const std::uint64_t to = program.blocks[static_cast<std::size_t>(block)].bytes;
    copyToDevice(copy, memory_->streamed(block, physicalSlot(plan, primed.slot, 0)), session_.arena.at(block, from),
                 to - from);
  }
  if (program.activationBytes > 0) fill(compute, memory_->activations(), POISON, program.activationBytes);
  for (const Residual& residual : program.residuals) {
    if (const StoredTensor* tensor = session_.given().find(residual.name)) {
      copyGiven(memory_->activations() + residual.offset, *tensor, residual.rows, residual.width, residual.sharded);
      continue;
    }
    const auto count = static_cast<std::uint64_t>(residual.rows * residual.width);
    const std::uint64_t first =
        residual.firstValue + (residual.sharded ? static_cast<std::uint64_t>(session_.groupRank()) * count : 0);
    fillRandom(session_.compute, session_.options.seed, first, 1, 0, static_cast<std::int64_t>(count),
               reinterpret_cast<bf16*>(memory_->activations() + residual.offset));
  }
  setGate(session_.streams[On::Host], session_.gate(), 0);
  session_.meet();
}

std::vector<OutputDigest> ActivePlan::outputs() {
  std::vector<OutputDigest> outputs;
  for (const Residual& residual : session_.program.residuals) {
    const auto* data = reinterpret_cast<const bf16*>(memory_->activations() + residual.offset);
    outputs.push_back({digest(session_.compute, residual.rows, residual.width, data, residual.width), isFinite(residual)});
  }
  return outputs;
}

void ActivePlan::eachPiece(const Residual& residual, const std::function<void(std::span<const bf16>)>& use) {
  const auto bytes = static_cast<std::size_t>(residual.rows * residual.width) * sizeof(bf16);
  const auto* host = reinterpret_cast<const bf16*>(session_.bounce.half(0));
  for (std::size_t at = 0; at < bytes; at += Bounce::HALF_BYTES) {
    const std::size_t count = std::min(Bounce::HALF_BYTES, bytes - at);
    copyToHost(session_.streams[On::StageOut], session_.bounce.half(0),
               memory_->activations() + residual.offset + at, count);
    session_.waitIdle();
    use({host, count / sizeof(bf16)});
  }
}

bool ActivePlan::isFinite(const Residual& residual) {
  constexpr std::uint16_t EXPONENT = 0x7f80;
  bool finite = true;
  eachPiece(residual, [&](std::span<const bf16> values) {
    finite = finite && std::none_of(values.begin(), values.end(),
                                    [](bf16 x) { return (x.bits & EXPONENT) == EXPONENT; });
  });
  return finite;
}

std::string ActivePlan::saveOutputs(const std::string& folder, int steps) {
  const Program& program = session_.program;
  const bool writes = session_.group.place().rank == 0;
  const std::string path = folder + "/" + program.id + "-plan" + std::to_string(index) + ".safetensors";
  std::unique_ptr<SafetensorsFile> file;
  if (writes) {
    std::error_code exists;
    std::filesystem::create_directories(folder, exists);
    file = std::make_unique<SafetensorsFile>(path, "--save-outputs", outputTensors(program),
                                             outputFacts(session_, plan, steps));
  }
  for (std::size_t i = 0; i < program.residuals.size(); ++i) {
    const Residual& residual = program.residuals[i];
    std::uint64_t at = 0;
    eachPiece(residual, [&](std::span<const bf16> values) {
      if (!residual.sharded) {
        if (writes) file->write(i, at, values);
      } else {
        const auto all = fromAll(session_.group, std::vector<bf16>(values.begin(), values.end()));
        const auto sharers = std::min(all.size(), static_cast<std::size_t>(program.groupSize));
        for (std::size_t rank = 0; writes && rank < sharers; ++rank) {
          file->write(i, rank * static_cast<std::uint64_t>(residual.rows * residual.width) + at, all[rank]);
        }
      }
      at += values.size();
    });
  }
  if (writes) file->finish();
  return path;
}

}  // namespace chunkflow
