// Collectives by NCCL.
#include <cuda_runtime.h>
#include <nccl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>
#include <set>
#include <thread>

#include "compute/compute.hpp"
#include "device/cuda/device.hpp"
#include "device/cuda/errors.hpp"
#include "ranks/agree.hpp"
#include "ranks/group_text.hpp"
#include "transport/transport.hpp"

namespace chunkflow {
namespace {

using namespace std::chrono_literals;

/// Far more than NCCL takes to connect its ranks, all of which are there when it begins.
constexpr auto CONNECT_LIMIT = 120s;
/// Calls between hosts are repeated until a window of them is hardly quicker than the one before.
constexpr std::size_t STEADY_BYTES = std::size_t{32} << 20;  // to all peers together, so that many ranks need no more memory
constexpr int STEADY_CALLS = 8;  // between looks at the clock
constexpr auto STEADY_WINDOW = 500ms;
constexpr double STEADY_AGREES = 0.03;
constexpr auto STEADY_LIMIT = 4s;
/// The first version that lets ranks share a GPU.
constexpr int SHARED_DEVICE_VERSION = 23000;

/// @throws RunError "NCCL <what>: <NCCL's words>".
void checkNccl(ncclResult_t code, const char* what, ncclComm_t communicator = nullptr) {
  if (code == ncclSuccess) return;
  const char* detail = ncclGetLastError(communicator);
  std::string message = std::string("NCCL ") + what + ": " + ncclGetErrorString(code);
  if (detail != nullptr && *detail != '\0') message += std::string(" (") + detail + ")";
  // NCCL's details may have several lines; a message of ours has one.
  for (char& letter : message) letter = letter == '\n' ? ' ' : letter;
  throw RunError(message);
}

int linkedVersion() {
  int version = 0;
  checkNccl(ncclGetVersion(&version), "version");
  return version;
}

/// Whether some ranks have the same device.
bool devicesAreShared(const Device& device, Group& group) {
  const std::vector<std::vector<std::byte>> all = group.gather(toBytes(device.info().uuid));
  return std::set<std::vector<std::byte>>(all.begin(), all.end()).size() < all.size();
}

/// NCCL reads its variables when it is first used, and the environment may not be written while another thread reads
/// it.
void setVariables(bool sharedDevices) {
  static std::once_flag once;
  std::call_once(once, [sharedDevices] {
    setenv("NCCL_NVLS_ENABLE", "0", 0);
    if (sharedDevices) setenv("NCCL_MULTI_RANK_GPU_ENABLE", "1", 0);
  });
}

/// A communicator that is being set up on a thread of its own. NCCL cannot be told to give up meanwhile, so that thread
/// is left behind when a rank is missing; the process is about to end then.
struct Joining {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  ncclResult_t result = ncclSuccess;
  std::string detail;
  ncclComm_t communicator = nullptr;
};

ncclComm_t join(Group& group, const ncclUniqueId& id) {
  int device = 0;
  checkCuda(cudaGetDevice(&device), "current device");
  const auto joining = std::make_shared<Joining>();
  std::thread([joining, id, device, ranks = group.place().ranks, rank = group.place().rank] {
    ncclComm_t communicator = nullptr;
    ncclResult_t result = ncclUnhandledCudaError;
    if (cudaSetDevice(device) == cudaSuccess) result = ncclCommInitRank(&communicator, ranks, id, rank);
    const std::lock_guard lock(joining->mutex);
    joining->done = true;
    joining->result = result;
    joining->communicator = communicator;
    if (result != ncclSuccess) joining->detail = ncclGetLastError(nullptr);
    joining->changed.notify_all();
  }).detach();

  const auto deadline = std::chrono::steady_clock::now() + CONNECT_LIMIT;
  std::unique_lock lock(joining->mutex);
  while (!joining->changed.wait_for(lock, 100ms, [&] { return joining->done; })) {
    const std::string failure = group.failure();
    if (!failure.empty()) throw RunError(failure);
    if (std::chrono::steady_clock::now() < deadline) continue;
    throw RunError("NCCL did not connect its ranks within " + std::to_string(CONNECT_LIMIT.count()) +
                   " s; run with NCCL_DEBUG=INFO to see why");
  }
  checkNccl(joining->result, "set-up of its communicator");
  return joining->communicator;
}

class NcclTransport : public Transport {
 public:
  NcclTransport(Device& device, Group& group, const ncclUniqueId& id)
      : rank_(group.place().rank), groupSize_(group.place().groupSize), communicator_(join(group, id)) {
    warmUp(device, group);
  }

  ~NcclTransport() override {
    if (!aborted_.exchange(true)) ncclCommDestroy(communicator_);
  }

  void run(Stream& stream, const CollectiveCall& call) override {
    if (groupSize_ == 1 || call.bytesPerPeer == 0) return;
    const std::lock_guard lock(mutex_);
    if (aborted_) throw RunError("NCCL was given up because the run has failed");
    const cudaStream_t on = cudaStreamOf(stream);
    const std::size_t bytes = call.bytesPerPeer;
    switch (call.kind) {
      case CollectiveKind::AllToAll:
        allToAll(on, call);
        break;
      case CollectiveKind::AllGather:
        check(ncclAllGather(call.recv + rank_ * bytes, call.recv, bytes, ncclUint8, communicator_, on), "all-gather");
        break;
      case CollectiveKind::AllReduce:
        check(ncclAllReduce(call.recv, call.recv, groupSize_ * bytes / sizeof(bf16), ncclBfloat16, ncclSum,
                            communicator_, on),
              "all-reduce");
        break;
    }
  }

  std::string error() override {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock || aborted_) return "";
    ncclResult_t state = ncclSuccess;
    const ncclResult_t asked = ncclCommGetAsyncError(communicator_, &state);
    if (asked != ncclSuccess) state = asked;
    if (state == ncclSuccess || state == ncclInProgress) return "";
    return std::string("NCCL: ") + ncclGetErrorString(state);
  }

  void abort() override {
    if (aborted_.exchange(true)) return;
    // A call that hangs holds the lock; aborting is what ends it.
    std::unique_lock lock(mutex_, std::defer_lock);
    static_cast<void>(lock.try_lock_for(1s));
    ncclCommAbort(communicator_);
  }

  std::string version() const override { return ncclVersion(); }

 private:
  void check(ncclResult_t code, const char* what) const { checkNccl(code, what, communicator_); }

  void allToAll(cudaStream_t stream, const CollectiveCall& call) {
    const std::size_t bytes = call.bytesPerPeer;
    check(ncclGroupStart(), "all-to-all");
    ncclResult_t result = ncclSuccess;
    for (int hop = 1; hop < groupSize_ && result == ncclSuccess; ++hop) {
      const int to = (rank_ + hop) % groupSize_;
      const int from = (rank_ + groupSize_ - hop) % groupSize_;
      result = ncclSend(call.send + to * bytes, bytes, ncclUint8, to, communicator_, stream);
      if (result != ncclSuccess) break;
      result = ncclRecv(call.recv + from * bytes, bytes, ncclUint8, from, communicator_, stream);
    }
    // The bracket is closed in any case, or later calls would be taken as part of it.
    const ncclResult_t ended = ncclGroupEnd();
    check(result, "all-to-all");
    check(ended, "all-to-all");
  }

  /// NCCL makes its connections and buffers at the first call of each kind, which may not happen while a step runs or
  /// is captured.
  void warmUp(Device& device, Group& group) {
    constexpr std::size_t FIRST_BYTES_PER_PEER = std::size_t{1} << 20;
    const bool overNetwork = group.place().hosts.several();
    const auto ranks = static_cast<std::size_t>(groupSize_);
    const std::size_t bytesPerPeer = overNetwork ? std::max(FIRST_BYTES_PER_PEER, STEADY_BYTES / ranks) : FIRST_BYTES_PER_PEER;
    const std::size_t bytes = bytesPerPeer * ranks;
    const std::unique_ptr<DeviceBuffer> send = device.buffer(bytes), recv = device.buffer(bytes);
    const std::unique_ptr<Stream> stream = device.stream("nccl warm-up");
    fill(*stream, send->data(), 0, bytes);
    fill(*stream, recv->data(), 0, bytes);
    try {
      for (const CollectiveKind kind :
           {CollectiveKind::AllToAll, CollectiveKind::AllGather, CollectiveKind::AllReduce}) {
        run(*stream, {kind, send->data(), recv->data(), FIRST_BYTES_PER_PEER});
      }
      finish(*stream, group);
      if (overNetwork) untilSteady(*stream, group, {CollectiveKind::AllToAll, send->data(), recv->data(), bytesPerPeer});
    } catch (const std::exception&) {
      // Before the buffers go: freeing them would wait for kernels that only this ends.
      abort();
      throw;
    }
    // Buffers are freed only once no rank waits for another any more: on a shared device that would wait for all of
    // them.
    group.barrier();
  }

  /// TCP widens a connection's window while it carries bytes: the first hundreds of MB between hosts are a fifth slower than
  /// what follows, small messages several times. RDMA is steady at once and pays two windows.
  void untilSteady(Stream& stream, Group& group, const CollectiveCall& call) {
    using Clock = std::chrono::steady_clock;
    // Rank 0's clock decides, so that all ranks call as often.
    const auto passed = [&](Clock::time_point from, Clock::duration limit) {
      return fromFirst(group, Clock::now() - from >= limit);
    };
    const auto begin = Clock::now();
    double leastS = std::numeric_limits<double>::infinity();
    for (bool steady = false; !steady;) {
      const auto from = Clock::now();
      int calls = 0;
      do {
        for (int i = 0; i < STEADY_CALLS; ++i) run(stream, call);
        finish(stream, group);
        calls += STEADY_CALLS;
      } while (!passed(from, STEADY_WINDOW));
      const double callS = std::chrono::duration<double>(Clock::now() - from).count() / calls;
      steady = fromFirst(group, callS >= (1 - STEADY_AGREES) * leastS) || passed(begin, STEADY_LIMIT);
      leastS = std::min(leastS, callS);
    }
  }

  /// Waits for a stream without blocking in the driver, so that another rank's failure is seen.
  void finish(Stream& stream, const Group& group) {
    const auto deadline = std::chrono::steady_clock::now() + CONNECT_LIMIT;
    while (!idle(stream)) {
      for (const std::string& trouble : {group.failure(), error()}) {
        if (!trouble.empty()) throw RunError(trouble);
      }
      if (std::chrono::steady_clock::now() > deadline) {
        throw RunError("NCCL did not finish its first collectives within " + std::to_string(CONNECT_LIMIT.count()) +
                       " s; run with NCCL_DEBUG=INFO to see why");
      }
      std::this_thread::sleep_for(1ms);
    }
  }

  int rank_, groupSize_;
  ncclComm_t communicator_;
  std::timed_mutex mutex_;
  std::atomic<bool> aborted_{false};
};

}  // namespace

std::unique_ptr<Transport> ncclTransport(Device& device, Group& group) {
  const Place& place = group.place();
  if (place.ranks < place.groupSize) {
    throw UserError("nccl cannot exchange with mirrored peers; use staged-sm or staged-copy");
  }
  const bool shared = devicesAreShared(device, group);
  if (shared && linkedVersion() < SHARED_DEVICE_VERSION) {
    throw UserError("NCCL " + ncclVersion() +
                    " cannot serve two ranks on one GPU; use NCCL 2.30 or later, a GPU for each rank, " +
                    "or staged-sm");
  }
  setVariables(shared);
  ncclUniqueId id{};
  std::vector<std::byte> bytes(sizeof id);
  if (place.rank == 0) {
    try {
      checkNccl(ncclGetUniqueId(&id), "unique id");
    } catch (const RunError& error) {
      group.fail(error.what());
      throw;
    }
    std::memcpy(bytes.data(), &id, sizeof id);
  }
  bytes = group.broadcast(std::move(bytes), 0);
  std::memcpy(&id, bytes.data(), sizeof id);
  return std::make_unique<NcclTransport>(device, group, id);
}

std::string ncclVersion() {
  const int version = linkedVersion();
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

}  // namespace chunkflow
