// Starts the ranks of a run on this host, as processes.
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

#include "base/error.hpp"
#include "ranks/group.hpp"
#include "ranks/secret.hpp"
#include "ranks/sockets.hpp"

extern char** environ;

namespace chunkflow {
namespace {

constexpr const char* HOST = "127.0.0.1";

/// Output of a rank, passed on line by line with the rank in front.
class PrefixedOutput {
 public:
  PrefixedOutput(Socket from, int to, std::string prefix)
      : from_(std::move(from)), to_(to), prefix_(std::move(prefix)) {}
  int descriptor() const { return from_.descriptor(); }
  bool open() const { return static_cast<bool>(from_); }

  /// Takes in what is there; at the end of the output also a last line that has no end of its own.
  void pass() {
    char piece[8192];
    const ssize_t count = read(from_.descriptor(), piece, sizeof piece);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (count > 0) rest_.append(piece, static_cast<std::size_t>(count));
    std::size_t end = 0;
    while ((end = rest_.find('\n')) != std::string::npos) {
      write(rest_.substr(0, end + 1));
      rest_.erase(0, end + 1);
    }
    if (count > 0) return;
    if (!rest_.empty()) write(rest_ + "\n");
    rest_.clear();
    from_.close();
  }

 private:
  void write(const std::string& line) const {
    const std::string text = prefix_ + line;
    for (std::size_t at = 0; at < text.size();) {
      const ssize_t count = ::write(to_, text.data() + at, text.size() - at);
      if (count < 0 && errno != EINTR) return;
      at += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
    }
  }

  Socket from_;
  int to_;
  std::string prefix_, rest_;
};

struct Child {
  pid_t process = -1;
  bool running = true;
};

/// Whether a variable is of another way to start ranks, or to let them meet: these meet on the loopback interface.
bool isReplaced(const std::string& name) {
  constexpr std::array NAMES{"RANK",        "WORLD_SIZE",  "LOCAL_RANK",         "LOCAL_WORLD_SIZE",
                             "MASTER_ADDR", "MASTER_PORT", "CHUNKFLOW_INTERFACE"};
  return std::find(NAMES.begin(), NAMES.end(), name) != NAMES.end() || name.starts_with("TORCHELASTIC_");
}

/// A variable with a secret for this launch alone; none where the user gives one.
std::vector<std::string> secretForLaunch() {
  if (!secretOfJob().empty()) return {};
  return {"CHUNKFLOW_SECRET=" + freshSecret()};
}

/// This process's environment with torchrun's variables for one rank.
std::vector<std::string> environmentOf(int rank, int ranks, int port) {
  std::vector<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!isReplaced(text.substr(0, text.find('=')))) variables.push_back(text);
  }
  for (const auto& [name, value] : {std::pair<const char*, std::string>{"RANK", std::to_string(rank)},
                                    {"LOCAL_RANK", std::to_string(rank)},
                                    {"WORLD_SIZE", std::to_string(ranks)},
                                    {"LOCAL_WORLD_SIZE", std::to_string(ranks)},
                                    {"MASTER_ADDR", HOST},
                                    {"MASTER_PORT", std::to_string(port)}}) {
    variables.push_back(std::string(name) + "=" + value);
  }
  return variables;
}

std::vector<char*> pointersTo(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::array<Socket, 2> makePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw RunError(std::string("could not make a pipe (") + std::strerror(errno) + ")");
  return {Socket(ends[0]), Socket(ends[1])};
}

class Launch {
 public:
  Launch(int ranks, double timeLimitS) : ranks_(ranks), timeLimitS_(timeLimitS) {}

  /// Whatever goes wrong here, no rank is left behind.
  ~Launch() {
    signalAll(SIGKILL);
    for (Child& child : children_) {
      while (child.running && waitpid(child.process, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
  }

  void start(const std::vector<std::string>& arguments) {
    const int port = portOf(listenOn(HOST, 0));
    if (port == 0) throw RunError(std::string("could not find a free port (") + std::strerror(errno) + ")");
    for (int rank = 0; rank < ranks_; ++rank) startRank(rank, port, arguments);
  }

  int wait() {
    constexpr int LOOK_MS = 50;
    constexpr double LAST_CALL_S = 5;
    while (std::any_of(children_.begin(), children_.end(), [](const Child& child) { return child.running; })) {
      passOutput(LOOK_MS);
      for (int rank = 0; rank < ranks_; ++rank) look(rank);
      if (code_ == 0 || std::chrono::steady_clock::now() < deadline_) continue;
      signalAll(nextSignal_);
      nextSignal_ = SIGKILL;
      deadline_ = deadlineIn(LAST_CALL_S);
    }
    // What was written last is still in the pipes; a grandchild that keeps one open is not waited for.
    while (passOutput(0)) {
    }
    return code_;
  }

 private:
  void startRank(int rank, int port, const std::vector<std::string>& arguments) {
    // All that allocates is done before the fork; the child only makes system calls.
    std::vector<std::string> texts{"/proc/self/exe"};
    texts.insert(texts.end(), arguments.begin(), arguments.end());
    std::vector<std::string> variables = environmentOf(rank, ranks_, port);
    variables.insert(variables.end(), secret_.begin(), secret_.end());
    const std::vector<char*> argumentPointers = pointersTo(texts), variablePointers = pointersTo(variables);
    std::array<Socket, 2> output = makePipe(), errors = makePipe();
    const pid_t parent = getpid();
    const pid_t process = fork();
    if (process < 0) throw RunError("could not start rank " + std::to_string(rank) + " (" + std::strerror(errno) + ")");
    if (process == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(1);  // it died before it could be watched
      dup2(output[1].descriptor(), STDOUT_FILENO);
      dup2(errors[1].descriptor(), STDERR_FILENO);
      execve("/proc/self/exe", argumentPointers.data(), variablePointers.data());
      constexpr char MESSAGE[] = "error: this program could not start itself again through /proc/self/exe\n";
      static_cast<void>(!write(STDERR_FILENO, MESSAGE, sizeof MESSAGE - 1));
      _exit(1);
    }
    children_.push_back({process});
    const std::string prefix = "[rank " + std::to_string(rank) + "] ";
    outputs_.emplace_back(std::move(output[0]), STDOUT_FILENO, prefix);
    outputs_.emplace_back(std::move(errors[0]), STDERR_FILENO, prefix);
  }

  /// @returns whether there was any output to pass on.
  bool passOutput(int waitMs) {
    std::vector<pollfd> entries;
    std::vector<PrefixedOutput*> open;
    for (PrefixedOutput& output : outputs_) {
      if (!output.open()) continue;
      entries.push_back({output.descriptor(), POLLIN, 0});
      open.push_back(&output);
    }
    if (poll(entries.data(), entries.size(), waitMs) <= 0) return false;
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (entries[i].revents != 0) open[i]->pass();
    }
    return true;
  }

  void look(int rank) {
    Child& child = children_[static_cast<std::size_t>(rank)];
    int status = 0;
    if (!child.running || waitpid(child.process, &status, WNOHANG) != child.process) return;
    child.running = false;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    if (WIFSIGNALED(status) && nextSignal_ == SIGTERM) {
      dprintf(STDERR_FILENO, "error: rank %d was ended by signal %d (%s)\n", rank, WTERMSIG(status),
              strsignal(WTERMSIG(status)));
    }
    if (code_ == 0) deadline_ = deadlineIn(timeLimitS_);
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    // Where one rank met a mistake of the user's, the others can only say that it ended.
    if (code_ == 0 || code == USERS_MISTAKE) code_ = code;
  }

  void signalAll(int signal) const {
    for (const Child& child : children_) {
      if (child.running) kill(child.process, signal);
    }
  }

  int ranks_;
  double timeLimitS_;
  const std::vector<std::string> secret_ = secretForLaunch();
  std::vector<Child> children_;
  std::vector<PrefixedOutput> outputs_;
  int code_ = 0;              // of the run so far
  Deadline deadline_{};       // for the others, once one has failed
  int nextSignal_ = SIGTERM;  // what they get then
};

}  // namespace

int launchRanks(int ranks, double timeLimitS, const std::vector<std::string>& arguments) {
  Launch launch(ranks, timeLimitS);
  launch.start(arguments);
  return launch.wait();
}

}  // namespace chunkflow
