internal import Coordination
internal import Launching
package import Models
internal import Parsing
internal import Transport
internal import Wire

extension MeshEngine {
  /// Keeps the times of the newest `steps` steps of every rank from now on; 0 keeps none.
  package func recordTimes(steps: Int) {
    timeline.begin(steps: steps)
    for case .some(let name) in names { startRecording(name) }
  }

  /// Tells a worker to record; also one that has just taken a lost one's place.
  func startRecording(_ name: WorkerName) {
    let inquiry = Inquiry.recordTimes(steps: UInt32(timeline.steps))
    send(.inquiry, to: name, epoch: core.epoch) { inquiry.write(to: &$0) }
  }

  /// Everything that was recorded; ranks that do not answer within ten seconds are left out.
  package func takeTimeline() throws(EngineError) -> MeshTimeline {
    let members = names.indices.filter { names[$0] != nil }
    var ranks = members.map { MeshTimeline.Rank(rank: $0) }
    timeline.times = [:]
    let deadline = Deadline.after(.seconds(10))
    // The times first: while clocks are compared nobody is busy any more.
    for rank in members { ask(.times, rank) }
    while timeline.times.count < members.count, !deadline.hasPassed { try turn { _ in } }
    for index in ranks.indices {
      guard let answer = timeline.times[ranks[index].rank] else { continue }
      (ranks[index].steps, ranks[index].droppedSteps) = answer
      try compareClock(&ranks[index], deadline)
    }
    return MeshTimeline(
      ranks: ranks.filter { timeline.times[$0.rank] != nil }, coordinator: timeline.ordered)
  }

  /// Round trips over the control link; the shortest one tells most about the offset (as in NTP, RFC 5905).
  private func compareClock(_ rank: inout MeshTimeline.Rank, _ deadline: Deadline) throws(EngineError) {
    for number in 0..<UInt32(Self.clockRoundTrips) {
      let sent = Deadline.now
      ask(.clock(number), rank.rank)
      while timeline.clocks[rank.rank]?.number != number, !deadline.hasPassed { try turn { _ in } }
      guard let answer = timeline.clocks[rank.rank], answer.number == number else { return }
      let roundTrip = Int64(answer.at - sent)
      guard roundTrip < rank.roundTripNanoseconds else { continue }
      rank.roundTripNanoseconds = roundTrip
      let offset = Int64(answer.time) - Int64(sent) - roundTrip / 2
      // Two hosts' clocks count from their starts: none at all means the same clock.
      rank.clockOffset = offset.magnitude <= UInt64(roundTrip / 2) ? 0 : offset
    }
  }

  /// Bytes per second that each rank's threads read while all ranks read: the average of its host, whose ranks share
  /// one memory.
  package func measureReadBandwidth() throws(EngineError) -> [Double] {
    timeline.bandwidths = [:]
    for rank in names.indices { ask(.readBandwidth, rank) }
    let deadline = Deadline.after(.seconds(60))
    while timeline.bandwidths.count < names.count {
      guard !deadline.hasPassed else {
        throw EngineError(
          .failure, "\(names.count - timeline.bandwidths.count) ranks did not measure their memory")
      }
      try turn { _ in }
    }
    let hosts = names.indices.map { configuration.fleet?.placement.host(of: $0).name ?? "" }
    let rates = Dictionary(grouping: names.indices) { hosts[$0] }.mapValues { ranks in
      ranks.reduce(0) { $0 + (timeline.bandwidths[$1] ?? 0) } / Double(ranks.count)
    }
    return hosts.map { rates[$0] ?? 0 }
  }

  private static var clockRoundTrips: Int { 16 }

  private func ask(_ inquiry: Inquiry, _ rank: Int) {
    guard let name = names[rank] else { return }
    send(.inquiry, to: name, epoch: core.epoch) { inquiry.write(to: &$0) }
  }

  func take(_ answer: InquiryAnswer, from rank: Int) {
    switch answer {
    case .clock(let number, let time): timeline.clocks[rank] = (number, time, Deadline.now)
    case .readBandwidth(let rate): timeline.bandwidths[rank] = rate
    case .times(let steps, let dropped): timeline.times[rank] = (steps, dropped)
    }
  }

  /// What each element of a rank's program is, in the order of its marks.
  package func programLabels(of rank: Int) -> [StepLabel] { StepLabel.labels(of: program(of: rank)) }
}
