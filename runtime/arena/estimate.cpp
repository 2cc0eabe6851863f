#include "arena/estimate.hpp"

#include <algorithm>
#include <cmath>

#include "base/random.hpp"

namespace chunkflow {

namespace {

constexpr int ROUNDS = 60;
/// Ridge of the first and the last round. Rates are divided by their mean, differ by some 10 % and are measured to about 1 %.
constexpr double FIRST_RIDGE = 1, LAST_RIDGE = 0.1;
/// Initial coordinates; any that are not all equal will do.
constexpr double START = 0.3;
/// Lower limit of an estimated rate, relative to the mean.
constexpr double LEAST_SHARE = 0.05;

template <std::size_t N>
double dot(const std::array<double, N>& a, const std::array<double, N>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < N; ++i) sum += a[i] * b[i];
  return sum;
}

/// Ridge regression on few columns by its normal equations.
template <std::size_t N>
class Regression {
 public:
  void add(const std::array<double, N>& row, double value) {
    for (std::size_t i = 0; i < N; ++i) {
      for (std::size_t j = 0; j < N; ++j) matrix_[i][j] += row[i] * row[j];
      right_[i] += row[i] * value;
    }
  }

  /// The matrix is positive definite thanks to the ridge, so elimination needs no pivots.
  std::array<double, N> solve(double ridge) {
    for (std::size_t i = 0; i < N; ++i) matrix_[i][i] += ridge;
    for (std::size_t i = 0; i < N; ++i) {
      for (std::size_t below = i + 1; below < N; ++below) {
        const double factor = matrix_[below][i] / matrix_[i][i];
        for (std::size_t j = i; j < N; ++j) matrix_[below][j] -= factor * matrix_[i][j];
        right_[below] -= factor * right_[i];
      }
    }
    std::array<double, N> solution{};
    for (std::size_t i = N; i-- > 0;) {
      double rest = right_[i];
      for (std::size_t j = i + 1; j < N; ++j) rest -= matrix_[i][j] * solution[j];
      solution[i] = rest / matrix_[i][i];
    }
    return solution;
  }

 private:
  std::array<std::array<double, N>, N> matrix_{};
  std::array<double, N> right_{};
};

}  // namespace

RateEstimate::RateEstimate(const std::vector<TupleRates>& measured, std::size_t ranks, std::size_t slots)
    : mean_(ranks, 0), slots_(ranks, std::vector<Slot>(slots)) {
  for (const TupleRates& tuple : measured) {
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      mean_[rank] += tuple.bytesPerS[rank] / static_cast<double>(measured.size());
    }
  }
  std::uint64_t number = 0;
  for (auto& ofRank : slots_) {
    for (Slot& slot : ofRank) {
      for (double& coordinate : slot.place) coordinate = START * static_cast<double>(valueAt(0, number++));
    }
  }
  for (int round = 0; round < ROUNDS; ++round) {
    const double ridge = FIRST_RIDGE * std::pow(LAST_RIDGE / FIRST_RIDGE, static_cast<double>(round) / (ROUNDS - 1));
    for (std::size_t rank = 0; rank < ranks; ++rank) fit(measured, rank, ridge);
  }
  for (const auto& ofRank : slots_) {
    Slot mean;
    const auto count = static_cast<double>(slots);
    for (const Slot& slot : ofRank) {
      mean.partner += slot.partner / count;
      for (std::size_t i = 0; i < COORDINATES; ++i) mean.place[i] += slot.place[i] / count;
    }
    average_.push_back(mean);
  }
}

double RateEstimate::operator()(std::size_t rank, std::span<const std::size_t> slotOfRank) const {
  const double relative = 1 + slots_[rank][slotOfRank[rank]].own + fromPartners(rank, slotOfRank, rank);
  return mean_[rank] * std::max(LEAST_SHARE, relative);
}

double RateEstimate::fromPartners(std::size_t rank, std::span<const std::size_t> slotOfRank,
                                  std::size_t without) const {
  double sum = 0;
  for (std::size_t other = 0; other < slotOfRank.size(); ++other) {
    if (other == rank || other == without) continue;
    const bool decided = slotOfRank[other] != UNDECIDED;
    const Slot& partner = decided ? slots_[other][slotOfRank[other]] : average_[other];
    sum += partner.partner - dot(slots_[rank][slotOfRank[rank]].place, partner.place);
  }
  return sum;
}

void RateEstimate::fit(const std::vector<TupleRates>& measured, std::size_t rank, double ridge) {
  std::vector<Regression<2 + COORDINATES>> ofSlot(slots_[rank].size());
  for (const TupleRates& tuple : measured) {
    auto& regression = ofSlot[tuple.slots[rank]];
    // Columns: own, partner, coordinates.
    std::array<double, 2 + COORDINATES> row{1};
    double value = tuple.bytesPerS[rank] / mean_[rank] - 1;
    for (std::size_t other = 0; other < slots_.size(); ++other) {
      if (other == rank) continue;
      const Slot& slot = slots_[other][tuple.slots[other]];
      value -= slot.partner;
      for (std::size_t i = 0; i < COORDINATES; ++i) row[2 + i] -= slot.place[i];
    }
    regression.add(row, value);
    for (std::size_t other = 0; other < slots_.size(); ++other) {
      if (other == rank) continue;
      const Slot& slot = slots_[other][tuple.slots[other]];
      row = {0, 1};
      for (std::size_t i = 0; i < COORDINATES; ++i) row[2 + i] = -slot.place[i];
      regression.add(row,
                     tuple.bytesPerS[other] / mean_[other] - 1 - slot.own - fromPartners(other, tuple.slots, rank));
    }
  }
  for (std::size_t slot = 0; slot < ofSlot.size(); ++slot) {
    const auto solution = ofSlot[slot].solve(ridge);
    Slot& fitted = slots_[rank][slot];
    fitted.own = solution[0];
    fitted.partner = solution[1];
    for (std::size_t i = 0; i < COORDINATES; ++i) fitted.place[i] = solution[2 + i];
  }
}

}  // namespace chunkflow
