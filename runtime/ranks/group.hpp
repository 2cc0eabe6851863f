#pragma once
// The ranks of a run: who they are, how they find each other, how all of them end when one does. Control only, but for the
// host backend's messages between hosts.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ranks/hosts.hpp"

namespace chunkflow {

/// Where a rank stands. `ranks` run; `groupSize` meet in a collective, which is more where peers are mirrored.
struct Place {
  int rank = 0;
  int ranks = 1;
  int groupSize = 1;
  int localRank = 0;  // among those of its host
  /// Whether all ranks are threads of this process.
  bool threads = true;
  /// Of all ranks; the same on every rank.
  Hosts hosts;
};

/// Memory that all ranks of the host see, zeroed at first; in one process plain memory, between processes a POSIX
/// shared memory segment that is unlinked as soon as all have it. Not page-locked.
class SharedMemory {
 public:
  virtual ~SharedMemory() = default;
  virtual std::byte* data() const = 0;
  virtual std::size_t bytes() const = 0;
};

/// The control channel of one rank. Calls are collective unless they say otherwise: every rank makes the same calls in the
/// same order. Each throws RunError when another rank has failed or the time limit has passed.
class Group {
 public:
  virtual ~Group() = default;
  virtual const Place& place() const = 0;
  virtual void barrier() = 0;
  /// The root's bytes on every rank.
  virtual std::vector<std::byte> broadcast(std::vector<std::byte> bytes, int root = 0) = 0;
  /// Everybody's bytes in order of rank, on every rank.
  virtual std::vector<std::vector<std::byte>> gather(std::vector<std::byte> bytes) = 0;
  /// As `gather`, in an order of its own: one other thread of each rank may call it meanwhile. For tensors that go through
  /// the group because there is no better way between hosts (the host backend's, which is not for speed).
  virtual std::vector<std::vector<std::byte>> gatherMessages(std::vector<std::byte> bytes) = 0;
  /// @throws RunError where the ranks are not on one host.
  virtual std::unique_ptr<SharedMemory> shared(std::size_t bytes) = 0;
  /// Not collective; any thread. Tells every rank to end with this message; they see it within a second.
  virtual void fail(const std::string& message) = 0;
  /// Not collective; any thread. "" while all is well, else why the run must end.
  virtual std::string failure() const = 0;
};

struct GroupOptions {
  double timeLimitS = 60;  // how long any rank waits for another
  /// A fingerprint of program and settings; ranks that differ in it refuse to start.
  std::string fingerprint;
  int groupSize = 1;       // of the program; WORLD_SIZE must be the number of ranks it was generated for
  int ranks = 1;
};

/// All ranks as threads of this process: one Group per rank.
std::vector<std::unique_ptr<Group>> threadGroup(const GroupOptions&);

/// This process as one rank, by the variables of torchrun (RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT) or of
/// Slurm (SLURM_PROCID, SLURM_NTASKS, SLURM_LOCALID, and the first host of SLURM_JOB_NODELIST with a port from the job id).
/// Ranks meet over the interface that CHUNKFLOW_INTERFACE names, and NCCL is told of it; across hosts they need a secret.
/// With neither torchrun's variables nor Slurm's and one rank: a group of one. To be called before other threads look at
/// the environment. @throws UserError that names the variable that is missing or wrong, or the two
/// world sizes that differ.
std::unique_ptr<Group> processGroup(const GroupOptions&);

/// Whether the environment says that this process is one rank of several (torchrun's or Slurm's variables).
bool startedAsRank();

/// Our own launcher for one host: starts `ranks` copies of this program with torchrun's variables set, passes their output
/// through with the rank in front, ends all of them when one fails (within the time limit, then by SIGKILL), and returns the
/// exit code: 0 only when all were 0.
int launchRanks(int ranks, double timeLimitS, const std::vector<std::string>& arguments);

}  // namespace chunkflow
