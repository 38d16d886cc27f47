/// The most f32 multiply-adds that a number of threads can do: the yardstick of prefill.
package enum ArithmeticPeak {
  /// Median of seven rounds of independent multiply-adds from registers, all threads at once, per second.
  ///
  /// - Throws: `ThreadTeamError`.
  package static func measure(threads: Int) throws(ThreadTeamError) -> Double {
    let allowed = ThreadPlacement.allowedCPUs()
    let team = try ThreadTeam(count: threads, rank: 0, cpus: threads <= allowed.count ? allowed : [])
    let kernels = KernelTable(.best)
    let rounds = 2_000_000
    let clock = ContinuousClock()
    var rates = (0..<7).map { _ in
      let seconds = clock.measure {
        team.run { member in _ = kernels.arithmeticProbe(rounds: rounds, seed: Float(member)) }
      }
      return Double(96 * rounds * threads) / (seconds / .seconds(1))
    }
    rates.sort()
    return rates[3]
  }
}
