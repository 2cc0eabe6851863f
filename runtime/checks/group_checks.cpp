// Checks of how ranks meet, share memory and end together: as threads, as forked processes, and by our own launcher.
#include <signal.h>

#include <chrono>
#include <cstring>
#include <filesystem>

#include "checks/check.hpp"
#include "checks/ranks.hpp"
#include "ranks/group_text.hpp"
#include "ranks/secret.hpp"
#include "ranks/slurm_hosts.hpp"

namespace chunkflow {
namespace {

using Run = std::function<std::vector<std::string>(const GroupOptions&, const RankBody&)>;

GroupOptions optionsFor(int ranks, double timeLimitS = 60) {
  GroupOptions options;
  options.ranks = ranks;
  options.groupSize = ranks;
  options.timeLimitS = timeLimitS;
  options.fingerprint = "0123abcd";
  return options;
}

/// Prints what was said where it was not what it should have been.
void checkWords(const std::string& name, const std::vector<std::string>& words,
                const std::vector<std::string>& expected) {
  check(name, words == expected);
  if (words == expected) return;
  for (const std::string& word : words) std::printf("     said: %s\n", word.c_str());
  std::fflush(stdout);
}

double secondsOf(const std::function<void()>& call) {
  const auto start = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string number(int value) { return std::to_string(value); }

std::string gatherMany(Group& group) {
  const Place place = group.place();
  for (int round = 0; round < 200; ++round) {
    const std::string mine(static_cast<std::size_t>(round * (place.rank + 1)), static_cast<char>('a' + place.rank));
    const auto all = group.gather(toBytes(mine));
    if (static_cast<int>(all.size()) != place.ranks) return "gathered " + number(static_cast<int>(all.size()));
    for (int rank = 0; rank < place.ranks; ++rank) {
      const std::string expected(static_cast<std::size_t>(round * (rank + 1)), static_cast<char>('a' + rank));
      if (toText(all[static_cast<std::size_t>(rank)]) != expected) return "rank " + number(rank) + " is wrong";
    }
    const int root = round % place.ranks;
    const auto one = group.broadcast(toBytes("from " + number(place.rank) + " in " + number(round)), root);
    if (toText(one) != "from " + number(root) + " in " + number(round)) return "broadcast is wrong";
  }
  // Longer than what a connection holds, so that both ends must make progress at once.
  const auto long_ = group.gather(std::vector<std::byte>(5 << 20, static_cast<std::byte>(place.rank)));
  for (int rank = 0; rank < place.ranks; ++rank) {
    if (long_[static_cast<std::size_t>(rank)].back() != static_cast<std::byte>(rank)) return "long gather is wrong";
  }
  return "well";
}

std::string shareMemory(Group& group) {
  const Place place = group.place();
  const std::size_t bytes = (std::size_t{3} << 20) + 5;
  const auto memory = group.shared(bytes);
  if (memory->bytes() < bytes) return "too small";
  for (const std::size_t at : {std::size_t{0}, bytes / 2, bytes - 1}) {
    if (memory->data()[at] != std::byte{0}) return "not zeroed";
  }
  group.barrier();
  const std::size_t share = bytes / static_cast<std::size_t>(place.ranks);
  std::memset(memory->data() + share * static_cast<std::size_t>(place.rank), place.rank + 1, share);
  group.barrier();
  for (int rank = 0; rank < place.ranks; ++rank) {
    const std::size_t at = share * static_cast<std::size_t>(rank);
    if (memory->data()[at] != static_cast<std::byte>(rank + 1)) return "does not see rank " + number(rank);
    if (memory->data()[at + share - 1] != static_cast<std::byte>(rank + 1)) return "does not see rank " + number(rank);
  }
  group.barrier();
  return "well";
}

/// Two threads of each rank, whose calls meet in other orders on other ranks.
std::string gatherOnTwoThreads(Group& group) {
  const Place place = group.place();
  constexpr int ROUNDS = 50;
  std::string wrong;
  std::thread messages([&] {
    for (int round = 0; round < ROUNDS; ++round) {
      if (place.rank == round % place.ranks) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      const auto all = group.gatherMessages(toBytes("message " + number(place.rank) + " of " + number(round)));
      for (int rank = 0; rank < place.ranks; ++rank) {
        if (toText(all[static_cast<std::size_t>(rank)]) != "message " + number(rank) + " of " + number(round)) wrong = "messages";
      }
    }
  });
  std::string mixed;
  for (int round = 0; round < ROUNDS; ++round) {
    const auto all = group.gather(toBytes("control " + number(round)));
    if (toText(all.back()) != "control " + number(round)) mixed = "control";
  }
  messages.join();
  return wrong.empty() && mixed.empty() ? "well" : "mixed up: " + wrong + mixed;
}

/// A rank that waits for messages, and is let go when another fails.
std::string failBesideMessages(Group& group) {
  if (group.place().rank == 1) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    group.fail("rank 1 has no memory");
    return "failed";
  }
  group.gatherMessages({});
  return "met";
}

std::string tellHosts(Group& group) {
  const Hosts& hosts = group.place().hosts;
  return hosts.several() ? "on several hosts" : "all " + number(hosts.ranksBeside(group.place().rank)) + " on " + hosts.nameOf(0);
}

std::string callOtherThings(Group& group) {
  if (group.place().rank == 1) {
    group.gather({});
  } else {
    group.barrier();
  }
  return "met";
}

std::string leaveEarly(Group& group) {
  group.barrier();
  if (group.place().rank == 1) return "left";
  group.barrier();
  return "met";
}

std::string failAtOne(Group& group) {
  group.barrier();
  if (group.place().rank == 1) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    group.fail("rank 1 has no memory");
    return "failed";
  }
  group.barrier();
  return "met";
}

/// A rank that comes to no meeting but is still there.
std::string stickAtOne(Group& group) {
  group.barrier();
  if (group.place().rank == 1) {
    while (group.failure().empty()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return "RunError: " + group.failure();
  }
  group.barrier();
  return "met";
}

void checkMeetings(const std::string& how, const Run& run) {
  for (const int ranks : {1, 2, 4}) {
    const std::vector<std::string> well(static_cast<std::size_t>(ranks), "well");
    checkWords(how + ": gather and broadcast, " + number(ranks) + " ranks", run(optionsFor(ranks), gatherMany), well);
    checkWords(how + ": shared memory, " + number(ranks) + " ranks", run(optionsFor(ranks), shareMemory), well);
  }
  checkWords(how + ": two threads of each rank", run(optionsFor(3), gatherOnTwoThreads), {"well", "well", "well"});
  checkWords(how + ": one fails, messages end", run(optionsFor(2), failBesideMessages),
             {"RunError: rank 1 has no memory", "failed"});
  check(how + ": ranks know their hosts", allSay(run(optionsFor(3), tellHosts), "all 3 on " + hostName()));
  const std::string different =
      "RunError: rank 1 is at a gather while rank 0 is at a barrier; all ranks must run the same program with the same "
      "options";
  checkWords(how + ": different calls", run(optionsFor(3), callOtherThings), {different, different, different});

  const std::string early = "RunError: rank 1 ended before the others";
  checkWords(how + ": a rank that leaves early", run(optionsFor(3), leaveEarly), {early, "left", early});

  std::vector<std::string> words;
  const double failS = secondsOf([&] { words = run(optionsFor(3), failAtOne); });
  checkWords(how + ": one fails, all end", words,
             {"RunError: rank 1 has no memory", "failed", "RunError: rank 1 has no memory"});
  check(how + ": and at once", failS < 3);

  // The message is rank 0's: with three ranks the one that waits longest could be either.
  const double stuckS = secondsOf([&] { words = run(optionsFor(2, 1.0), stickAtOne); });
  const std::string stuck =
      "RunError: rank 0 waited 1.0 s in a barrier for rank 1; see what that rank is doing, or raise --time-limit";
  checkWords(how + ": a stuck rank ends all at the time limit", words, {stuck, stuck});
  check(how + ": not before and not long after it", stuckS > 0.9 && stuckS < 4);
}

void checkDeaths() {
  const auto wait = [](Group& group) -> std::string {
    group.barrier();
    if (group.place().rank == 1) pause();
    group.barrier();
    return "met";
  };
  const std::string ended = "RunError: rank 1 ended unexpectedly";
  std::vector<std::string> words;
  const auto killAfter = [](int rank, int signal) {
    return [rank, signal](const std::vector<pid_t>& ids) {
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      kill(ids[static_cast<std::size_t>(rank)], signal);
    };
  };
  double took = secondsOf([&] { words = inProcesses(optionsFor(3), wait, killAfter(1, SIGKILL)); });
  checkWords("processes: rank 1 is killed", words, {ended, "", ended});
  check("processes: the others see it within 2 s", took < 2.5);

  const auto waitAtZero = [](Group& group) -> std::string {
    group.barrier();
    if (group.place().rank == 0) pause();
    while (group.failure().empty()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return group.failure();
  };
  took = secondsOf([&] { words = inProcesses(optionsFor(3), waitAtZero, killAfter(0, SIGKILL)); });
  checkWords("processes: rank 0 is killed", words, {"", "rank 0 ended unexpectedly", "rank 0 ended unexpectedly"});
  check("processes: the others see it within 2 s", took < 2.5);

  words = inProcesses(optionsFor(2, 1.5), wait, [](const std::vector<pid_t>& ids) {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    kill(ids[1], SIGSTOP);
    std::this_thread::sleep_for(std::chrono::milliseconds(2500));
    kill(ids[1], SIGKILL);
  });
  checkWords(
      "processes: a stopped rank hits the time limit", words,
      {"RunError: rank 0 waited 1.5 s in a barrier for rank 1; see what that rank is doing, or raise --time-limit",
       ""});
}

void checkMismatches() {
  const auto met = [](Group&) -> std::string { return "met"; };
  const auto with = [](int rank, int worldSize, int port, const GroupOptions& options) {
    return RankProcess{torchrunVariables(rank, worldSize, port), options};
  };
  int port = freePort();
  const std::string four =
      "UserError: WORLD_SIZE is 4, this program was generated for 2 ranks; start 2 or generate with --sp 4";
  checkWords("processes: a world of another size than the program's",
             inProcesses({with(0, 4, port, optionsFor(2)), with(1, 4, port, optionsFor(2)),
                          with(2, 4, port, optionsFor(2)), with(3, 4, port, optionsFor(2))},
                         met),
             {four, four, four, four});

  port = freePort();
  const std::string threeAtOne = "UserError: WORLD_SIZE is 3 at rank 1 and 2 at rank 0; start all ranks with the same";
  checkWords("processes: ranks with different world sizes",
             inProcesses({with(0, 2, port, optionsFor(2)), with(1, 3, port, optionsFor(3))}, met),
             {threeAtOne, threeAtOne});

  port = freePort();
  const std::string oneComplains =
      "UserError: WORLD_SIZE is 2, this program was generated for 3 ranks; start 3 or generate with --sp 2";
  checkWords("processes: one rank with another program",
             inProcesses({with(0, 2, port, optionsFor(2)), with(1, 2, port, optionsFor(3))}, met),
             {oneComplains, oneComplains});

  port = freePort();
  GroupOptions other = optionsFor(2);
  other.fingerprint = "ffff0000";
  const std::string fingerprints =
      "UserError: rank 1 has the program and settings ffff0000 and rank 0 has 0123abcd; start the same program with "
      "the same "
      "options on all ranks";
  checkWords("processes: different programs",
             inProcesses({with(0, 2, port, optionsFor(2)), with(1, 2, port, other)}, met),
             {fingerprints, fingerprints});

  port = freePort();
  const std::vector<std::string> twins = inProcesses(
      {with(0, 3, port, optionsFor(3)), with(1, 3, port, optionsFor(3)), with(1, 3, port, optionsFor(3))}, met);
  check("processes: two with the same rank",
        allSay(twins, twins[0]) && twins[0].starts_with("UserError: two processes say that they are rank 1"));

  port = freePort();
  const std::vector<std::string> lonely = inProcesses({with(0, 2, port, optionsFor(2, 1))}, met);
  checkWords("processes: a rank that never comes", lonely,
             {"RunError: rank 1 did not come within 1 s to rank 0 at 127.0.0.1:" + number(port) +
              "; start all 2 ranks, or raise --time-limit"});

  const std::vector<std::string> alone = inProcesses({with(1, 2, port, optionsFor(2, 1))}, met);
  check("processes: a rank 0 that never comes",
        alone[0].starts_with("RunError: rank 1 could not reach rank 0 at 127.0.0.1:" + number(port) + " within 1 s"));
}

void checkEnvironment() {
  const auto met = [](Group& group) -> std::string {
    group.barrier();
    return "rank " + number(group.place().rank) + " at " + number(group.place().localRank);
  };
  for (const char* name : {"WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"}) {
    Variables variables = torchrunVariables(0, 2, 12345);
    variables.erase(name);
    const std::string word = inProcesses({RankProcess{variables, optionsFor(2)}}, met)[0];
    check(std::string("environment: ") + name + " is missing",
          word.starts_with(std::string("UserError: ") + name + " is not set, but RANK is;"));
  }
  Variables wrong = torchrunVariables(0, 2, 12345);
  wrong["WORLD_SIZE"] = "two";
  checkWords("environment: a number that is none", inProcesses({RankProcess{wrong, optionsFor(2)}}, met),
             {"UserError: WORLD_SIZE is \"two\"; expected a whole number from 1 to 65536"});
  checkWords("environment: none, one rank", inProcesses({RankProcess{{}, optionsFor(1)}}, met), {"rank 0 at 0"});
  check("environment: none, two ranks", inProcesses({RankProcess{{}, optionsFor(2)}}, met)[0].starts_with(
                                            "UserError: RANK is not set, and this program"));

  const auto slurm = [](int rank) {
    return RankProcess{{{"SLURM_PROCID", number(rank)},
                        {"SLURM_NTASKS", "2"},
                        {"SLURM_LOCALID", number(1 - rank)},
                        {"SLURM_JOB_NODELIST", "localhost,gpu[3-5]"},
                        {"SLURM_JOB_ID", number(getpid())}},
                       optionsFor(2)};
  };
  checkWords("environment: Slurm's", inProcesses({slurm(0), slurm(1)}, met), {"rank 0 at 1", "rank 1 at 0"});

  RankProcess both = slurm(0);
  const int ownPort = freePort();
  for (const auto& [name, value] : torchrunVariables(1, 2, ownPort)) both.variables[name] = value;
  checkWords("environment: torchrun's win over Slurm's",
             inProcesses({RankProcess{torchrunVariables(0, 2, ownPort), optionsFor(2)}, both}, met),
             {"rank 0 at 0", "rank 1 at 1"});

  // torchrun's agent listens at MASTER_PORT itself.
  const Socket store = listenOn("127.0.0.1", 0);
  std::vector<RankProcess> agents;
  for (const int rank : {0, 1}) {
    agents.push_back({torchrunVariables(rank, 2, portOf(store)), optionsFor(2)});
    agents.back().variables["TORCHELASTIC_USE_AGENT_STORE"] = "True";
  }
  checkWords("environment: beside torchrun's own store", inProcesses(agents, met), {"rank 0 at 0", "rank 1 at 1"});

  // Slurm's and torchrun's ranks of one node meet on the loopback interface, whatever the node is called; others need a secret.
  const auto named = [&](int rank, const Variables& more) {
    Variables variables = torchrunVariables(rank, 2, ownPort);
    variables["MASTER_ADDR"] = "node-that-nobody-knows";
    variables.insert(more.begin(), more.end());
    return RankProcess{variables, optionsFor(2, 2)};
  };
  const Variables oneNode{{"LOCAL_WORLD_SIZE", "2"}};
  checkWords("environment: torchrun's ranks of one node", inProcesses({named(0, oneNode), named(1, oneNode)}, met),
             {"rank 0 at 0", "rank 1 at 1"});
  const std::string secret =
      "UserError: CHUNKFLOW_SECRET is not set, and rank 0 would listen at node-that-nobody-knows, where strangers can "
      "connect; set it to the same on all ranks: export CHUNKFLOW_SECRET=$(openssl rand -hex 16)";
  checkWords("environment: two nodes without a secret", inProcesses({named(0, {}), named(1, {})}, met), {secret, secret});
  Variables over = torchrunVariables(0, 2, ownPort);
  over["CHUNKFLOW_INTERFACE"] = "lo";
  over["CHUNKFLOW_SECRET"] = freshSecret();
  RankProcess other{over, optionsFor(2)};
  other.variables["RANK"] = other.variables["LOCAL_RANK"] = "1";
  const auto interface = [&](Group& group) -> std::string {
    group.barrier();
    const char* nccl = std::getenv("NCCL_SOCKET_IFNAME");
    return nccl == nullptr ? "NCCL chooses" : nccl;
  };
  checkWords("environment: NCCL takes the chosen interface",
             inProcesses({RankProcess{over, optionsFor(2)}, other}, interface), {"=lo", "=lo"});
  other.variables["NCCL_SOCKET_IFNAME"] = "eth7";
  checkWords("environment: unless the user has chosen another",
             inProcesses({RankProcess{over, optionsFor(2)}, other}, interface), {"=lo", "eth7"});
  over["MASTER_ADDR"] = "203.0.113.9";
  checkWords("environment: an address that is not on the interface", inProcesses({RankProcess{over, optionsFor(2, 1)}}, met),
             {"UserError: MASTER_ADDR is 203.0.113.9, which is not on lo (CHUNKFLOW_INTERFACE); set MASTER_ADDR to "
              "127.0.0.1 on all ranks"});

  const auto taken = inProcesses({RankProcess{torchrunVariables(0, 2, portOf(store)), optionsFor(2, 1)}}, met);
  check("environment: a port that is taken",
        taken[0].starts_with("UserError: rank 0 could not listen on port " + number(portOf(store))));
}

void checkSlurmHosts() {
  const std::map<std::string, std::string> cases{
      {"gpu1", "gpu1"}, {"gpu1,gpu2", "gpu1"},        {"gpu[3-5,9]", "gpu3"},       {"gpu[03-05],cpu1", "gpu03"},
      {"a[7],b", "a7"}, {"n[1-2]-ib[0,3]", "n1-ib0"}, {"node-a.b.c", "node-a.b.c"}, {"rack[1,3]x", "rack1x"}};
  for (const auto& [list, host] : cases) check("Slurm: first of " + list, firstSlurmHost(list) == host);
  for (const std::string list : {"", "gpu[3", "gpu[]", "gpu3]", ",gpu1"}) {
    check("Slurm: refuses \"" + list + "\"", throws<UserError>([&] { firstSlurmHost(list); }));
  }
}

bool segmentsAreLeft() {
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm")) {
    if (entry.path().filename().string().starts_with("chunkflow-")) return true;
  }
  return false;
}

void checkFullMemory() {
  const auto tooMuch = [](Group& group) -> std::string {
    group.shared(std::size_t{1} << 42);
    return "got it";
  };
  const std::vector<std::string> words = inProcesses(optionsFor(2), tooMuch);
  check("processes: more shared memory than there is",
        words[0].find("bytes of shared memory in /dev/shm") != std::string::npos &&
            words[0].starts_with("RunError: ") && words[1].starts_with("RunError: "));
  check("processes: no segment is left behind", !segmentsAreLeft());
}

/// What this program does when the launcher has started it as a rank.
int actAsRank(const std::string& role) {
  const std::string word = wordOf([&]() -> std::string {
    const std::unique_ptr<Group> group = processGroup(optionsFor(3));
    group->barrier();
    const char* secret = std::getenv("CHUNKFLOW_SECRET");
    if (role == "secret" && (secret == nullptr || std::string(secret).size() != 32)) return "UserError: no secret";
    const bool atOne = group->place().rank == 1;
    if (atOne && (role == "fail" || role == "stick")) return "UserError: as told";
    if (atOne && role == "die") raise(SIGKILL);
    if (role == "stick") pause();
    group->barrier();
    return "met";
  });
  std::printf("%s\nno end of line", word.c_str());
  return word == "met" ? 0 : word.starts_with("UserError") ? 2 : 1;
}

void checkLauncher() {
  std::fflush(stdout);
  check("launcher: all ranks end well", launchRanks(3, 5, {"--act", "meet"}) == 0);
  check("launcher: gives its ranks a secret", launchRanks(3, 5, {"--act", "secret"}) == 0);
  int code = 0;
  const double failS = secondsOf([&] { code = launchRanks(3, 5, {"--act", "fail"}); });
  check("launcher: the exit code of the rank that says what the user can mend", code == 2);
  check("launcher: the others do not wait for the time limit", failS < 3);
  const double dieS = secondsOf([&] { code = launchRanks(3, 5, {"--act", "die"}); });
  check("launcher: a killed rank", code == 1 && dieS < 3);
  const double stickS = secondsOf([&] { code = launchRanks(3, 1, {"--act", "stick"}); });
  check("launcher: ranks that do not end by themselves are ended", code == 2 && stickS > 0.9 && stickS < 5);
}

}  // namespace
}  // namespace chunkflow

int main(int argc, char** argv) {
  using namespace chunkflow;
  if (argc == 3 && std::string(argv[1]) == "--act") return actAsRank(argv[2]);
  checkSlurmHosts();
  checkMeetings("threads", inThreads);
  checkMeetings("processes",
                [](const GroupOptions& options, const RankBody& body) { return inProcesses(options, body); });
  checkDeaths();
  checkMismatches();
  checkEnvironment();
  checkFullMemory();
  checkLauncher();
  std::printf(failedChecks == 0 ? "all checks hold\n" : "%d checks failed\n", failedChecks);
  return failedChecks == 0 ? 0 : 1;
}
