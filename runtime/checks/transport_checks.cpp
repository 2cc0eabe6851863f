// Checks of the transports: every collective, many sizes, one after the other without a pause, between threads, between
// processes and with mirrored peers; eager and captured. The same source for both backends; on a GPU all ranks share
// device 0.
//   transport_checks [--nccl] [--bandwidth]
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

#include "checks/check.hpp"
#include "checks/ranks.hpp"
#include "compute/libraries.hpp"
#include "transport/transport.hpp"

namespace chunkflow {
namespace {

constexpr std::uint64_t GROWN_BYTE = 251;

/// Byte `at` of what `from` hands to `to` in a round: whole numbers that bf16 holds exactly where they are to be
/// summed.
std::byte byteOf(int from, int to, std::size_t at, int round) {
  return static_cast<std::byte>((at * 7 + at / 4096 + static_cast<std::size_t>(from * 31 + to * 17 + round * 5)) %
                                GROWN_BYTE);
}
float valueOf(int from, std::size_t at, int round) {
  return static_cast<float>((at * 3 + at / 512 + static_cast<std::size_t>(from * 5 + round)) % 29) - 14.0f;
}

struct Case {
  CollectiveKind kind;
  std::size_t bytesPerPeer;
};

const char* nameOf(CollectiveKind kind) {
  switch (kind) {
    case CollectiveKind::AllToAll:
      return "all-to-all";
    case CollectiveKind::AllGather:
      return "all-gather";
    case CollectiveKind::AllReduce:
      return "all-reduce";
  }
  return "?";
}

/// The buffers of one rank, what goes in and what must come out.
class Trial {
 public:
  Trial(Device& device, const Place& place, const Case& trial)
      : place_(place),
        case_(trial),
        bytes_(trial.bytesPerPeer * static_cast<std::size_t>(place.groupSize)),
        send_(device.buffer(bytes_)),
        recv_(device.buffer(bytes_)) {}

  CollectiveCall call() const { return {case_.kind, send_->data(), recv_->data(), case_.bytesPerPeer}; }

  /// Fills both buffers as they are before the collective.
  void prepare(Stream& stream, int round) const {
    std::vector<std::byte> send(bytes_, std::byte{0xEE}), recv(bytes_, std::byte{0xDD});
    switch (case_.kind) {
      case CollectiveKind::AllToAll:
        for (int peer = 0; peer < place_.groupSize; ++peer) put(send, peer, place_.rank, peer, round);
        break;
      case CollectiveKind::AllGather:
        put(recv, place_.rank, place_.rank, 0, round);
        break;
      case CollectiveKind::AllReduce:
        recv = values([&](std::size_t at) { return valueOf(place_.rank, at, round); });
        break;
    }
    copyToDevice(stream, send_->data(), send.data(), bytes_);
    copyToDevice(stream, recv_->data(), recv.data(), bytes_);
    synchronize(stream);
  }

  /// @returns "" when everything arrived as it should.
  std::string verify(Stream& stream, int round) const {
    std::vector<std::byte> recv(bytes_);
    copyToHost(stream, recv.data(), recv_->data(), bytes_);
    synchronize(stream);
    const std::vector<std::byte> expected = expectation(round);
    const auto wrong = std::mismatch(recv.begin(), recv.end(), expected.begin());
    if (wrong.first == recv.end()) return "";
    return std::string(nameOf(case_.kind)) + " of " + std::to_string(case_.bytesPerPeer) + " bytes, round " +
           std::to_string(round) + ", rank " + std::to_string(place_.rank) + ": byte " +
           std::to_string(wrong.first - recv.begin()) + " is wrong";
  }

 private:
  bool mirrored() const { return place_.ranks < place_.groupSize; }

  void put(std::vector<std::byte>& buffer, int slot, int from, int to, int round) const {
    for (std::size_t at = 0; at < case_.bytesPerPeer; ++at) {
      buffer[static_cast<std::size_t>(slot) * case_.bytesPerPeer + at] = byteOf(from, to, at, round);
    }
  }

  template <typename Value>
  std::vector<std::byte> values(Value value) const {
    std::vector<std::byte> buffer(bytes_);
    for (std::size_t at = 0; at < bytes_ / sizeof(bf16); ++at) {
      const bf16 number = toBf16(value(at));
      std::memcpy(buffer.data() + at * sizeof(bf16), &number, sizeof number);
    }
    return buffer;
  }

  std::vector<std::byte> expectation(int round) const {
    std::vector<std::byte> expected(bytes_, std::byte{0xDD});
    switch (case_.kind) {
      case CollectiveKind::AllToAll:
        for (int peer = 0; peer < place_.groupSize; ++peer) {
          if (peer == place_.rank) continue;
          if (mirrored()) {
            put(expected, peer, place_.rank, peer, round);
          } else {
            put(expected, peer, peer, place_.rank, round);
          }
        }
        return expected;
      case CollectiveKind::AllGather:
        for (int peer = 0; peer < place_.groupSize; ++peer) {
          put(expected, peer, mirrored() ? place_.rank : peer, 0, round);
        }
        return expected;
      case CollectiveKind::AllReduce:
        break;
    }
    const std::size_t shard = case_.bytesPerPeer / sizeof(bf16);
    return values([&](std::size_t at) {
      float sum = 0;
      for (int peer = 0; peer < place_.groupSize; ++peer) {
        // With mirrored peers, what came from a peer is the own shard for that peer, and every shard is a copy of the
        // own sum.
        sum += mirrored() ? valueOf(place_.rank, at % shard + static_cast<std::size_t>(peer) * shard, round)
                          : valueOf(peer, at, round);
      }
      return sum;
    });
  }

  Place place_;
  Case case_;
  std::size_t bytes_;
  std::unique_ptr<DeviceBuffer> send_, recv_;
};

/// Whole 16 bytes, odd rests, sizes about a slice of staged-sm and its multiples, and megabytes.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const std::size_t bytes :
       {std::size_t{16}, std::size_t{2}, std::size_t{1000}, std::size_t{4098}, std::size_t{262144}, std::size_t{786434},
        std::size_t{1} << 20, std::size_t{3000000}}) {
    for (const CollectiveKind kind : {CollectiveKind::AllToAll, CollectiveKind::AllGather, CollectiveKind::AllReduce}) {
      all.push_back({kind, bytes});
    }
  }
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{17}, std::size_t{300001}}) {
    all.push_back({CollectiveKind::AllToAll, bytes});
    all.push_back({CollectiveKind::AllGather, bytes});
  }
  return all;
}

std::size_t stagingFor(const std::vector<Case>& all, int groupSize) {
  std::size_t most = 0;
  for (const Case& one : all) most = std::max(most, one.bytesPerPeer * static_cast<std::size_t>(groupSize - 1));
  return most;
}

/// Waits for a stream without blocking, so that another rank's failure ends this one. @throws RunError.
void finish(Stream& stream, const Group& group, const std::function<void()>& giveUp) {
  while (!idle(stream)) {
    const std::string failure = group.failure();
    if (!failure.empty()) {
      giveUp();
      synchronize(stream);
      throw RunError(failure);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

using Exchanger = std::function<void(Stream&, const CollectiveCall&)>;

std::string runAll(Device& device, Group& group, Stream& stream, const std::vector<Case>& all,
                   const Exchanger& exchange) {
  int round = 0;
  for (const Case& one : all) {
    const Trial trial(device, group.place(), one);
    trial.prepare(stream, ++round);
    // Nothing may be allocated or freed while another rank's collective waits for this one.
    group.barrier();
    exchange(stream, trial.call());
    finish(stream, group, [] {});
    const std::string wrong = trial.verify(stream, round);
    group.barrier();
    if (!wrong.empty()) return wrong;
  }
  return "";
}

/// Fifty in a row, each with buffers of its own, without waiting in between; a mixture of kinds and sizes.
std::string runInARow(Device& device, Group& group, Stream& stream, const Exchanger& exchange) {
  constexpr int COUNT = 50;
  std::vector<std::unique_ptr<Trial>> trials;
  for (int round = 0; round < COUNT; ++round) {
    const auto kind = static_cast<CollectiveKind>(round % 3);
    trials.push_back(std::make_unique<Trial>(device, group.place(), Case{kind, std::size_t{16} << (round * 5 % 13)}));
    trials.back()->prepare(stream, round);
  }
  group.barrier();
  for (const auto& trial : trials) exchange(stream, trial->call());
  finish(stream, group, [] {});
  std::string wrong;
  for (int round = 0; round < COUNT && wrong.empty(); ++round) wrong = trials[round]->verify(stream, round);
  group.barrier();
  return wrong;
}

/// Collectives captured once and launched four times: five exchanges, so that halves of staging alternate between
/// launches.
std::string runCaptured(Device& device, Group& group, Stream& stream, const Exchanger& exchange) {
  const std::vector<Case> all{{CollectiveKind::AllToAll, 300000},
                              {CollectiveKind::AllGather, 70000},
                              {CollectiveKind::AllReduce, 40000},
                              {CollectiveKind::AllToAll, 16}};
  std::vector<std::unique_ptr<Trial>> trials;
  for (const Case& one : all) trials.push_back(std::make_unique<Trial>(device, group.place(), one));
  beginCapture(device, stream);
  for (const auto& trial : trials) exchange(stream, trial->call());
  const std::unique_ptr<Graph> graph = endCapture(device, stream);
  for (int round = 0; round < 4; ++round) {
    for (const auto& trial : trials) trial->prepare(stream, round);
    group.barrier();
    launch(stream, *graph);
    finish(stream, group, [] {});
    for (const auto& trial : trials) {
      const std::string wrong = trial->verify(stream, round);
      if (!wrong.empty()) return wrong + " (captured)";
    }
  }
  group.barrier();
  return "";
}

/// Everything above on one transport.
std::string runTransport(Device& device, Group& group, Transport& transport) {
  const std::unique_ptr<Stream> stream = device.stream("collective");
  const Exchanger exchange = [&](Stream& on, const CollectiveCall& call) { transport.run(on, call); };
  for (const auto& part : {runAll(device, group, *stream, cases(), exchange),
                           runInARow(device, group, *stream, exchange), runCaptured(device, group, *stream, exchange),
                           // Once more eagerly: captured ones have moved the counts.
                           runInARow(device, group, *stream, exchange)}) {
    if (!part.empty()) return part;
  }
  return transport.error();
}

std::string stagedSm(Group& group, int ctas, int ring) {
  const std::unique_ptr<Device> device = Device::open(0);
  Staging staging(*device, group, stagingFor(cases(), group.place().groupSize));
  std::string wrong;
  {
    const std::unique_ptr<Transport> transport = stagedSmTransport(*device, group, staging, ctas, ring);
    group.barrier();
    wrong = runTransport(*device, group, *transport);
    group.barrier();
  }
  return wrong;
}

std::string nccl(Group& group) {
  const std::unique_ptr<Device> device = Device::open(0);
  const std::unique_ptr<Transport> transport = ncclTransport(*device, group);
  return runTransport(*device, group, *transport);
}

GroupOptions optionsFor(int ranks, int groupSize) {
  GroupOptions options;
  options.ranks = ranks;
  options.groupSize = groupSize;
  options.timeLimitS = 120;
  return options;
}

void report(const std::string& name, const std::vector<std::string>& words) {
  check(name, allSay(words, ""));
  for (const std::string& word : words) {
    if (!word.empty()) std::printf("     %s\n", word.c_str());
  }
}

/// All group sizes, with so many slices of each writer in staging; 0: whole messages.
void checkStagedSm(int ring) {
  const std::string in = ring == 0 ? "" : ", rings of " + std::to_string(ring) + " slices";
  // Processes are forked before anything has opened a device: a GPU's driver does not survive a fork.
  if (ring == 0) {
    report("staged-sm: two processes, 2 thread blocks",
           inProcesses(optionsFor(2, 2), [](Group& group) { return stagedSm(group, 2, 0); }));
  }
  for (const int ctas : ring == 0 ? std::vector<int>{2, 16} : std::vector<int>{1, 2}) {
    const std::string blocks = ", " + std::to_string(ctas) + " thread blocks" + in;
    for (const int ranks : {1, 2, 3, 4}) {
      report("staged-sm: " + std::to_string(ranks) + " ranks" + blocks,
             inThreads(optionsFor(ranks, ranks), [=](Group& group) { return stagedSm(group, ctas, ring); }));
    }
    for (const int groupSize : {2, 3}) {
      report("staged-sm: mirrored in a group of " + std::to_string(groupSize) + blocks,
             inThreads(optionsFor(1, groupSize), [=](Group& group) { return stagedSm(group, ctas, ring); }));
    }
  }
}

/// A rank waits for another that never comes; giving up ends it.
void checkGivingUp() {
  const auto words = inThreads(optionsFor(2, 2), [](Group& group) -> std::string {
    const std::unique_ptr<Device> device = Device::open(0);
    Staging staging(*device, group, std::size_t{1} << 20);
    const std::unique_ptr<Transport> transport = stagedSmTransport(*device, group, staging, 2, 0);
    const std::unique_ptr<Stream> stream = device->stream("collective");
    const Trial trial(*device, group.place(), {CollectiveKind::AllToAll, std::size_t{1} << 20});
    trial.prepare(*stream, 0);
    group.barrier();
    if (group.place().rank == 0) transport->run(*stream, trial.call());
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const bool waits = group.place().rank == 1 || !idle(*stream);
    group.barrier();
    transport->abort();
    const auto limit = deadlineIn(5);
    while (!idle(*stream) && std::chrono::steady_clock::now() < limit) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    const bool ended = idle(*stream);
    group.barrier();
    if (!ended) return "still waits after giving up";
    return waits ? "" : "did not wait for the other rank";
  });
  report("staged-sm: giving up ends a wait", words);
}

void checkRefusals() {
  report("staged-sm: thread blocks out of range", inThreads(optionsFor(1, 2), [](Group& group) -> std::string {
           const std::unique_ptr<Device> device = Device::open(0);
           Staging staging(*device, group, 1024);
           for (const int ctas : {0, -1, 65}) {
             if (!throws<UserError>([&] { stagedSmTransport(*device, group, staging, ctas, 0); }))
               return "accepts " + std::to_string(ctas);
           }
           return "";
         }));
  report("staged-sm: rings out of range", inThreads(optionsFor(1, 2), [](Group& group) -> std::string {
           const std::unique_ptr<Device> device = Device::open(0);
           Staging staging(*device, group, 1024);
           for (const int ring : {-2, 1, 3, 64}) {
             if (!throws<UserError>([&] { stagedSmTransport(*device, group, staging, 2, ring); }))
               return "accepts " + std::to_string(ring);
           }
           return "";
         }));
  report("staged-sm: a collective larger than its staging",
         inThreads(optionsFor(1, 2), [](Group& group) -> std::string {
           const std::unique_ptr<Device> device = Device::open(0);
           Staging staging(*device, group, 1024);
           const auto transport = stagedSmTransport(*device, group, staging, 1, 0);
           const std::unique_ptr<Stream> stream = device->stream("collective");
           const Trial trial(*device, group.place(), {CollectiveKind::AllToAll, 1025});
           return throws<RunError>([&] { transport->run(*stream, trial.call()); }) ? "" : "accepts it";
         }));
  report("nccl: refuses mirrored peers", inThreads(optionsFor(1, 2), [](Group& group) -> std::string {
           const std::unique_ptr<Device> device = Device::open(0);
           return throws<UserError>([&] { ncclTransport(*device, group); }) ? "" : "accepts them";
         }));
}

/// What the host backend has in NCCL's place.
void checkMessages() {
  report("messages: 3 ranks as threads", inThreads(optionsFor(3, 3), nccl));
  report("messages: 2 ranks as processes", inProcesses(optionsFor(2, 2), nccl));
}

/// Prints what one GPU's link carries per direction when its peer is mirrored.
void printBandwidth() {
  constexpr std::size_t BYTES = std::size_t{128} << 20;
  constexpr int REPEATS = 10;
  inThreads(optionsFor(1, 2), [](Group& group) -> std::string {
    const std::unique_ptr<Device> device = Device::open(0);
    const std::unique_ptr<Stream> stream = device->stream("collective");
    const std::unique_ptr<Event> start = device->event(true), end = device->event(true);
    const auto send = device->buffer(2 * BYTES), recv = device->buffer(2 * BYTES);
    for (const int ctas : {1, 2, 4, 8, 16}) {
      Staging staging(*device, group, BYTES);
      const auto transport = stagedSmTransport(*device, group, staging, ctas, 0);
      const CollectiveCall call{CollectiveKind::AllToAll, send->data(), recv->data(), BYTES};
      transport->run(*stream, call);
      record(*stream, *start);
      for (int repeat = 0; repeat < REPEATS; ++repeat) transport->run(*stream, call);
      record(*stream, *end);
      synchronize(*stream);
      std::printf("staged-sm, %2d thread blocks: %.1f GB/s per direction\n", ctas,
                  BYTES * REPEATS / elapsedS(*start, *end) / 1e9);
    }
    return "";
  });
}

}  // namespace
}  // namespace chunkflow

int main(int argc, char** argv) {
  using namespace chunkflow;
  bool withNccl = false, bandwidth = false;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    withNccl |= argument == "--nccl";
    bandwidth |= argument == "--bandwidth";
    if (argument != "--nccl" && argument != "--bandwidth") {
      std::fprintf(stderr, "error: unknown argument %s; expected --nccl or --bandwidth\n", argv[i]);
      return 2;
    }
  }
  for (const int ring : {0, 2, 4}) checkStagedSm(ring);
  checkGivingUp();
  checkRefusals();
  if (withNccl) report("nccl " + ncclVersion() + ": 2 ranks on one device", inThreads(optionsFor(2, 2), nccl));
  if (std::string_view(backendName()) == "host") checkMessages();
  if (bandwidth) printBandwidth();
  std::printf(failedChecks == 0 ? "all checks hold\n" : "%d checks failed\n", failedChecks);
  return failedChecks == 0 ? 0 : 1;
}
