#include "measure/run.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "measure/describe.hpp"
#include "measure/measure.hpp"
#include "measure/results.hpp"
#include "ranks/group.hpp"
#include "session/hosts.hpp"
#include "session/options.hpp"
#include "session/session.hpp"
#include "weights/weight_values.hpp"

namespace chunkflow {

namespace {

constexpr int OK = 0;
constexpr int FAILED = 1;

/// A run's ranks in this process, and what became of them.
class Ranks {
 public:
  Ranks(RunIn where, const Program& program, const Options& options, std::vector<std::unique_ptr<Group>> groups,
        Records& records)
      : where_(where), program_(program), options_(options), groups_(std::move(groups)), records_(records) {}

  /// Returns the exit code. The first rank runs on the calling thread.
  int run() {
    std::vector<std::thread> others;
    for (std::size_t i = 1; i < groups_.size(); ++i) others.emplace_back([this, i] { runRank(*groups_[i]); });
    runRank(*groups_[0]);
    for (std::thread& other : others) other.join();
    if (!error_.empty()) records_.note("error: " + error_);
    if (groups_[0]->place().rank == 0) writeEnd(error_);
    if (!stuck_.empty()) {
      if (where_ == RunIn::Executable) _exit(FAILED);
      // Destroying what a hanging device still works with would hang the host program too.
      for (auto& [session, measurement] : stuck_) {
        static_cast<void>(measurement.release());
        static_cast<void>(session.release());
      }
      for (auto& group : groups_) static_cast<void>(group.release());
    }
    return exitCode_;
  }

 private:
  struct Stuck {
    std::unique_ptr<Session> session;
    std::unique_ptr<Measurement> measurement;
  };

  void runRank(Group& group) {
    std::unique_ptr<Session> session;
    std::unique_ptr<Measurement> measurement;
    try {
      const Place& place = group.place();
      session = std::make_unique<Session>(program_, options_, group, deviceOf(place), giveUp(place));
      measurement = std::make_unique<Measurement>(*session, place.rank == 0 ? &records_ : nullptr);
      session->prepare();
      const std::string wrong = measurement->run();
      group.barrier();
      if (!wrong.empty()) fail(group, FAILED, wrong);
    } catch (const UserError& error) {
      fail(group, USERS_MISTAKE, error.what());
    } catch (const std::exception& error) {
      fail(group, FAILED, error.what());
    }
    if (session && failed() && !session->letGo(error())) {
      const std::lock_guard lock(mutex_);
      stuck_.push_back({std::move(session), std::move(measurement)});
    }
  }

  int deviceOf(const Place& place) const {
    if (!options_.devices.empty()) {
      const auto local = static_cast<std::size_t>(place.localRank);
      if (local < options_.devices.size()) return options_.devices[local];
      throw UserError("--devices: names " + std::to_string(options_.devices.size()) + " devices, but rank " +
                      std::to_string(place.rank) + " is number " + std::to_string(local) + " of this host");
    }
    // Ranks that are threads may share what there is.
    return place.threads && Device::count() < program_.ranks ? 0 : place.localRank;
  }

  std::function<void(const std::string&)> giveUp(const Place& place) {
    if (where_ != RunIn::Executable) return {};
    return [this, first = place.rank == 0](const std::string& why) {
      records_.note("error: " + why + "; the device did not come back");
      if (first) writeEnd(why);
      _exit(FAILED);
    };
  }

  void fail(Group& group, int exitCode, const std::string& why) {
    {
      const std::lock_guard lock(mutex_);
      // The first failure is the cause, later ones are its consequences; a user's mistake takes precedence over all.
      if (exitCode_ == OK || (exitCode == USERS_MISTAKE && exitCode_ != USERS_MISTAKE)) {
        exitCode_ = exitCode;
        error_ = why;
      }
    }
    group.fail(why);
  }

  bool failed() {
    const std::lock_guard lock(mutex_);
    return exitCode_ != OK;
  }

  std::string error() {
    const std::lock_guard lock(mutex_);
    return error_;
  }

  void writeEnd(const std::string& why) {
    if (!records_.begun()) return;
    const double wallS = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    try {
      records_.write(endLine(wallS, why));
    } catch (const RunError& error) {
      records_.note(std::string("error: ") + error.what());
      exitCode_ = FAILED;
    }
  }

  const RunIn where_;
  const Program& program_;
  const Options& options_;
  std::vector<std::unique_ptr<Group>> groups_;
  Records& records_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  int exitCode_ = OK;
  std::string error_;
  std::vector<Stuck> stuck_;
};

bool asProcesses(RunIn where, const Options& options, const Program& program) {
  if (options.ranks != RanksAs::Unsaid) return options.ranks == RanksAs::Processes;
  if (startedAsRank()) return true;
  // A host program is one process, and so are ranks whose devices are threads.
  if (where == RunIn::HostProgram || program.ranks == 1 || std::string_view(backendName()) == "host") return false;
  return Device::count() >= program.ranks;
}

int runChecked(RunIn where, const Program& program, int argc, const char* const* argv, const Sink& sink) {
  const Options options = parseOptions(argc, argv, program);
  if (options.help) {
    const std::string text = helpText();
    for (std::size_t from = 0; from <= text.size();) {
      const std::size_t end = std::min(text.find('\n', from), text.size());
      sink.note(sink.user, text.substr(from, end - from).c_str());
      from = end + 1;
    }
    return OK;
  }
  if (options.checkWeights) {
    sink.note(sink.user, checkedCheckpoint(program, options.weights).c_str());
    return OK;
  }
  if (options.describe) return sink.line(sink.user, describeJson(program).c_str()) == 0 ? OK : FAILED;

  const bool processes = asProcesses(where, options, program);
  if (processes && !startedAsRank() && program.ranks > 1) {
    if (where == RunIn::HostProgram) {
      throw UserError(
          "--ranks processes: a host program has only its own process; use --ranks threads or the executable");
    }
    if (options.out.empty()) {
      throw UserError(
          "--out: expected a file for the results of ranks that are processes, got none; add --out FILE.jsonl or "
          "--ranks threads");
    }
    return launchRanks(program.ranks, options.timeLimitS, {argv, argv + argc});
  }
  GroupOptions groupOptions;
  groupOptions.timeLimitS = options.timeLimitS;
  groupOptions.fingerprint = std::string(program.fingerprint) + " " + agreedOptions(options);
  groupOptions.groupSize = program.groupSize;
  groupOptions.ranks = program.ranks;
  std::vector<std::unique_ptr<Group>> groups;
  if (processes) {
    groups.push_back(processGroup(groupOptions));
  } else {
    groups = threadGroup(groupOptions);
  }
  checkHosts(program, options, groups[0]->place().hosts);
  const bool first = groups[0]->place().rank == 0;
  std::unique_ptr<ResultsFile> file;
  try {
    if (first && !options.out.empty()) file = std::make_unique<ResultsFile>(options.out);
  } catch (const UserError& error) {
    groups[0]->fail(error.what());
    throw;
  }
  Records records(file.get(), sink);
  return Ranks(where, program, options, std::move(groups), records).run();
}

}  // namespace

int runIn(RunIn where, const Program& program, int argc, const char* const* argv, const Sink& sink) {
  try {
    return runChecked(where, program, argc, argv, sink);
  } catch (const UserError& error) {
    sink.note(sink.user, (std::string("error: ") + error.what()).c_str());
    return USERS_MISTAKE;
  } catch (const std::exception& error) {
    sink.note(sink.user, (std::string("error: ") + error.what()).c_str());
    return FAILED;
  }
}

int run(const Program& program, int argc, const char* const* argv, const Sink& sink) {
  return runIn(RunIn::HostProgram, program, argc, argv, sink);
}

}  // namespace chunkflow
