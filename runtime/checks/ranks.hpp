#pragma once
// Runs the ranks of a check, as threads or as forked processes, and collects what each has to say.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "ranks/group.hpp"
#include "ranks/sockets.hpp"

namespace chunkflow {

/// What one rank does. What it returns, or the kind and message of what it throws, is its word.
using RankBody = std::function<std::string(Group&)>;

inline std::string wordOf(const std::function<std::string()>& call) {
  try {
    return call();
  } catch (const UserError& error) {
    return std::string("UserError: ") + error.what();
  } catch (const RunError& error) {
    return std::string("RunError: ") + error.what();
  } catch (const std::exception& error) {
    return std::string("exception: ") + error.what();
  }
}

inline std::vector<std::string> inThreads(const GroupOptions& options, const RankBody& body) {
  std::vector<std::unique_ptr<Group>> groups = threadGroup(options);
  std::vector<std::string> words(groups.size());
  std::vector<std::thread> threads;
  for (std::size_t rank = 0; rank < groups.size(); ++rank) {
    threads.emplace_back([&, rank] {
      // As in a run, a rank's group goes when the rank has ended, however it ends.
      const std::unique_ptr<Group> group = std::move(groups[rank]);
      words[rank] = wordOf([&] { return body(*group); });
    });
  }
  for (std::thread& thread : threads) thread.join();
  return words;
}

using Variables = std::map<std::string, std::string>;

inline Variables torchrunVariables(int rank, int worldSize, int port) {
  return {{"RANK", std::to_string(rank)},
          {"LOCAL_RANK", std::to_string(rank)},
          {"WORLD_SIZE", std::to_string(worldSize)},
          {"MASTER_ADDR", "127.0.0.1"},
          {"MASTER_PORT", std::to_string(port)}};
}

inline int freePort() { return portOf(listenOn("127.0.0.1", 0)); }

/// One process that is to become a rank.
struct RankProcess {
  Variables variables;
  GroupOptions options;
};

/// Forks them all. The word of a process that was killed is "" and what it had said before.
/// @param started is told the process ids, to do harm to them.
inline std::vector<std::string> inProcesses(const std::vector<RankProcess>& processes, const RankBody& body,
                                            const std::function<void(const std::vector<pid_t>&)>& started = nullptr) {
  std::vector<pid_t> ids;
  std::vector<int> words;
  for (const RankProcess& process : processes) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
    const pid_t id = fork();
    if (id < 0) std::abort();
    if (id == 0) {
      for (const auto& [name, value] : process.variables) setenv(name.c_str(), value.c_str(), 1);
      const std::string word = wordOf([&] {
        const std::unique_ptr<Group> group = processGroup(process.options);
        return body(*group);
      });
      if (write(ends[1], word.data(), word.size()) < 0) _exit(1);
      _exit(0);
    }
    close(ends[1]);
    ids.push_back(id);
    words.push_back(ends[0]);
  }
  if (started) started(ids);
  std::vector<std::string> said;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    std::string word;
    char piece[1024];
    while (true) {
      const ssize_t count = read(words[i], piece, sizeof piece);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) break;
      word.append(piece, static_cast<std::size_t>(count));
    }
    close(words[i]);
    while (waitpid(ids[i], nullptr, 0) < 0 && errno == EINTR) {
    }
    said.push_back(word);
  }
  return said;
}

/// The usual case: ranks of one program, at a free port.
inline std::vector<std::string> inProcesses(const GroupOptions& options, const RankBody& body,
                                            const std::function<void(const std::vector<pid_t>&)>& started = nullptr) {
  const int port = freePort();
  std::vector<RankProcess> processes;
  for (int rank = 0; rank < options.ranks; ++rank) {
    processes.push_back({torchrunVariables(rank, options.ranks, port), options});
  }
  return inProcesses(processes, body, started);
}

inline bool allSay(const std::vector<std::string>& words, const std::string& word) {
  return std::all_of(words.begin(), words.end(), [&](const std::string& said) { return said == word; });
}

}  // namespace chunkflow
