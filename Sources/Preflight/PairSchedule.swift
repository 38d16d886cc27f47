/// Which pairs of hosts talk at the same time, so that none is in two conversations.
package enum PairSchedule {
  /// Every pair of `count` hosts once, in rounds of at most `width` pairs without a common host.
  ///
  /// The rounds are those of a tournament by the circle method (Kirkman 1847): the first host stays, the others move on
  /// by one place.
  package static func rounds(of count: Int, width: Int) -> [[(Int, Int)]] {
    precondition(width > 0, "rounds of \(width) pairs")
    guard count > 1 else { return [] }
    let seats = count + count % 2
    var rounds: [[(Int, Int)]] = []
    for round in 0..<(seats - 1) {
      let circle = [0] + (0..<(seats - 1)).map { 1 + ($0 + round) % (seats - 1) }
      let pairs = (0..<(seats / 2)).map { place -> (Int, Int) in
        let (a, b) = (circle[place], circle[seats - 1 - place])
        return (min(a, b), max(a, b))
      }
      let real = pairs.filter { $0.1 < count }
      for start in stride(from: 0, to: real.count, by: width) {
        rounds.append(Array(real[start..<min(start + width, real.count)]))
      }
    }
    return rounds
  }
}
