// Which rank this process is, by the variables of whoever started it.
#include "ranks/group.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "base/error.hpp"
#include "ranks/group_processes.hpp"
#include "ranks/group_rendezvous.hpp"
#include "ranks/interfaces.hpp"
#include "ranks/secret.hpp"
#include "ranks/slurm_hosts.hpp"

namespace chunkflow {
namespace {

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::string required(const char* name, const char* because) {
  const std::optional<std::string> value = variable(name);
  if (value) return *value;
  throw UserError(std::string(name) + " is not set, but " + because +
                  " is; start the ranks with torchrun, srun or --ranks " +
                  "processes, or set RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT");
}

int number(const std::string& name, const std::string& value, int least, int most) {
  int parsed = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
  if (error == std::errc() && end == value.data() + value.size() && parsed >= least && parsed <= most) return parsed;
  throw UserError(name + " is \"" + value + "\"; expected a whole number from " + std::to_string(least) + " to " +
                  std::to_string(most));
}

int requiredNumber(const char* name, const char* because, int least, int most) {
  return number(name, required(name, because), least, most);
}

constexpr int MOST_RANKS = 65536;
constexpr int HIGHEST_PORT = 65535;
constexpr const char* LOOPBACK = "127.0.0.1";

Membership byTorchrun() {
  Membership membership;
  membership.rank = requiredNumber("RANK", "RANK", 0, MOST_RANKS);
  membership.worldSize = requiredNumber("WORLD_SIZE", "RANK", 1, MOST_RANKS);
  membership.localRank = requiredNumber("LOCAL_RANK", "RANK", 0, MOST_RANKS);
  if (membership.worldSize == 1) return membership;
  membership.host = required("MASTER_ADDR", "RANK");
  membership.oneHost = variable("LOCAL_WORLD_SIZE") == std::to_string(membership.worldSize);
  const int port = requiredNumber("MASTER_PORT", "RANK", 1, HIGHEST_PORT);
  membership.job = membership.host + ":" + std::to_string(port) + " " + variable("TORCHELASTIC_RUN_ID").value_or("");
  membership.ports = {port};
  if (variable("TORCHELASTIC_USE_AGENT_STORE") == "True") {
    // torchrun's own store listens at MASTER_PORT, so the ranks meet at one of the ports behind it.
    constexpr int PORTS_BEHIND = 8;
    membership.ports.clear();
    for (int next = 1; next <= PORTS_BEHIND; ++next) {
      membership.ports.push_back(port + next <= HIGHEST_PORT ? port + next : port - next);
    }
  }
  return membership;
}

Membership bySlurm() {
  Membership membership;
  membership.worldSizeVariable = "SLURM_NTASKS";
  membership.rank = requiredNumber("SLURM_PROCID", "SLURM_PROCID", 0, MOST_RANKS);
  membership.worldSize = requiredNumber("SLURM_NTASKS", "SLURM_PROCID", 1, MOST_RANKS);
  membership.localRank = requiredNumber("SLURM_LOCALID", "SLURM_PROCID", 0, MOST_RANKS);
  if (membership.worldSize == 1) return membership;
  // Which is the first host's name by Slurm, unless the ranks are to meet over another of its interfaces.
  const std::optional<std::string> host = variable("MASTER_ADDR");
  membership.host = host ? *host : firstSlurmHost(required("SLURM_JOB_NODELIST", "SLURM_PROCID"));
  membership.oneHost = variable("SLURM_STEP_NUM_NODES").value_or(variable("SLURM_NNODES").value_or("")) == "1";
  constexpr int FIRST_PORT = 20000, PORTS = 20000;
  const std::string job = required("SLURM_JOB_ID", "SLURM_PROCID");
  membership.ports = {FIRST_PORT + number("SLURM_JOB_ID", job, 0, 2147483647) % PORTS};
  membership.job = "slurm " + job + "." + variable("SLURM_STEP_ID").value_or("");
  return membership;
}

/// Rank 0 listens at an address of the chosen interface and the others connect from theirs; NCCL takes the same one.
void meetOver(const InterfaceAddress& chosen, Membership& membership) {
  if (membership.rank == 0) {
    const std::vector<std::string> there = addressesOf(membership.host);
    if (std::find(there.begin(), there.end(), chosen.address) == there.end()) {
      throw UserError("MASTER_ADDR is " + membership.host + ", which is not on " + chosen.interface +
                      " (CHUNKFLOW_INTERFACE); set MASTER_ADDR to " + chosen.address + " on all ranks");
    }
  }
  membership.listenAt = membership.connectFrom = chosen.address;
  // "=" is NCCL's sign for this interface and none whose name only begins so.
  setenv("NCCL_SOCKET_IFNAME", ("=" + chosen.interface).c_str(), 0);
}

/// Through which addresses the ranks meet, and by which secret. Strangers reach rank 0 wherever it does not listen on the
/// loopback interface, so that there a secret is needed.
void chooseWay(Membership& membership) {
  membership.secret = secretOfJob();
  if (const std::optional<std::string> wanted = variable("CHUNKFLOW_INTERFACE")) {
    meetOver(chosenInterface(*wanted, interfacesHere()), membership);
  } else if (isLoopback(membership.host)) {
    membership.listenAt = membership.host;
  } else if (membership.oneHost) {
    membership.host = membership.listenAt = LOOPBACK;
  }
  if (membership.secret.empty() && !isLoopback(membership.listenAt)) throw UserError(secretIsMissing(membership.host));
}

/// Ranks may come late, since each node builds for itself; once they are there they wait for each other no longer than usual.
double meetingLimitS(const GroupOptions& options) {
  constexpr int LONGEST_S = 7 * 24 * 3600;
  const std::optional<std::string> value = variable("CHUNKFLOW_MEETING_LIMIT");
  return value ? number("CHUNKFLOW_MEETING_LIMIT", *value, 1, LONGEST_S) : options.timeLimitS;
}

/// Slurm's variables are those of a group only where there is more than one task: a program started by hand inside of
/// an allocation finds SLURM_PROCID too.
bool startedBySlurm() { return variable("SLURM_PROCID") && variable("SLURM_NTASKS").value_or("1") != "1"; }

std::string complaintOf(const Membership& membership, const GroupOptions& options) {
  const std::string world = std::to_string(membership.worldSize);
  const std::string ranks = std::to_string(options.ranks);
  if (membership.worldSize != options.ranks) {
    return membership.worldSizeVariable + " is " + world + ", this program was generated for " + ranks + " rank" +
           (options.ranks == 1 ? "" : "s") + "; start " + ranks + " or generate with --sp " + world;
  }
  if (membership.rank >= membership.worldSize) {
    return "this is rank " + std::to_string(membership.rank) + " and " + membership.worldSizeVariable + " is " + world +
           "; ranks are numbered from 0 to " + std::to_string(membership.worldSize - 1);
  }
  return "";
}

}  // namespace

bool startedAsRank() { return variable("RANK").has_value() || startedBySlurm(); }

std::unique_ptr<Group> processGroup(const GroupOptions& options) {
  if (!startedAsRank()) {
    if (options.ranks == 1) return std::move(threadGroup(options).front());
    throw UserError("RANK is not set, and this program was generated for " + std::to_string(options.ranks) +
                    " ranks; start it with torchrun, srun or --ranks processes");
  }
  Membership membership = variable("RANK") ? byTorchrun() : bySlurm();
  membership.complaint = complaintOf(membership, options);
  if (membership.worldSize == 1) {
    if (!membership.complaint.empty()) throw UserError(membership.complaint);
    return std::move(threadGroup(options).front());
  }
  chooseWay(membership);
  GroupOptions forMeeting = options;
  forMeeting.timeLimitS = meetingLimitS(options);
  std::vector<Connection> connections = meet(membership, forMeeting);
  Place place;
  place.rank = membership.rank;
  place.ranks = options.ranks;
  place.groupSize = options.groupSize;
  place.localRank = membership.localRank;
  place.threads = false;
  return connectedGroup(place, std::move(connections), options.timeLimitS);
}

}  // namespace chunkflow
