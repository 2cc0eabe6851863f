#pragma once
// Output of records: a file of JSON Lines that stays readable after a crash, or the caller's sink.
#include <atomic>
#include <mutex>
#include <string>

#include "program/runtime.hpp"

namespace chunkflow {

/// A file to which whole lines are appended. Opened before anything expensive is done, so that a folder that cannot be
/// written to costs nothing. Only one run writes to a file at a time.
class ResultsFile {
 public:
  /// A last line that was cut off (a crash, a full disk) is removed. @throws UserError with the path and the reason.
  explicit ResultsFile(const std::string& path);
  ~ResultsFile();
  ResultsFile(const ResultsFile&) = delete;
  ResultsFile& operator=(const ResultsFile&) = delete;

  /// Writes the line at once and waits for the disk. What could not be written whole is taken back. @throws RunError.
  void append(const std::string& line);

 private:
  std::string path_;
  int file_ = -1;
};

/// Records on their way to the file or, without one, to the sink; any thread.
class Records {
 public:
  /// @param file may be null.
  Records(ResultsFile* file, const Sink& sink) : file_(file), sink_(sink) {}

  /// One record. @throws RunError when it could not be kept; nothing more is written then.
  void write(const std::string& json);
  /// For people.
  void note(const std::string& text);
  /// Whether a record has been written, so that the run must be brought to an end in the file too.
  bool begun() const { return begun_; }

 private:
  ResultsFile* file_;
  Sink sink_;
  std::mutex mutex_;
  bool broken_ = false;
  std::atomic<bool> begun_{false};
};

}  // namespace chunkflow
