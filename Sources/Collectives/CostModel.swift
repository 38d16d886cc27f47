/// What one rank puts on the wire for a collective.
package struct CollectiveCost: Sendable, Hashable {
  /// Times that a rank has to wait for others.
  package var rounds: Int
  /// Frames sent.
  package var messages: Int
  /// Payload bytes sent; headers are 64 bytes a message on top.
  package var payloadBytes: Int

  package init(rounds: Int = 0, messages: Int = 0, payloadBytes: Int = 0) {
    self.rounds = rounds
    self.messages = messages
    self.payloadBytes = payloadBytes
  }

  package static func + (left: CollectiveCost, right: CollectiveCost) -> CollectiveCost {
    CollectiveCost(
      rounds: left.rounds + right.rounds, messages: left.messages + right.messages,
      payloadBytes: left.payloadBytes + right.payloadBytes)
  }
}

/// Predicts the time of a collective from its cost, in seconds: `rounds * a + messages * b + bytes * c`.
///
/// Only used to choose between algorithms of equal result and to predict step times, so a rough fit is enough. All
/// ranks must use the same constants, or they would choose differently.
package struct CostModel: Sendable, Hashable {
  /// One wait for another process: wake-ups of two I/O threads and of the waiting rank.
  package var secondsPerRound: Double
  /// One frame: building, queueing, one system call.
  package var secondsPerMessage: Double
  /// One payload byte: copies, checksum on both sides, kernel.
  package var secondsPerByte: Double
  /// One element added.
  package var secondsPerAddition: Double

  package init(
    secondsPerRound: Double, secondsPerMessage: Double, secondsPerByte: Double, secondsPerAddition: Double
  ) {
    self.secondsPerRound = secondsPerRound
    self.secondsPerMessage = secondsPerMessage
    self.secondsPerByte = secondsPerByte
    self.secondsPerAddition = secondsPerAddition
  }

  /// ZeroMQ between processes of one host, two to four ranks on two cores; see `Costs`.
  package static let local = CostModel(
    secondsPerRound: 30e-6, secondsPerMessage: 40e-6, secondsPerByte: 2e-9, secondsPerAddition: 0.3e-9)

  /// Memory that the ranks of one host share, ranks with a core each; see `Costs`.
  package static let sharedMemory = CostModel(
    secondsPerRound: 0.5e-6, secondsPerMessage: 0.3e-6, secondsPerByte: 0.2e-9, secondsPerAddition: 0.1e-9)

  package func seconds(_ cost: CollectiveCost, additions: Int = 0) -> Double {
    Double(cost.rounds) * secondsPerRound + Double(cost.messages) * secondsPerMessage
      + Double(cost.payloadBytes) * secondsPerByte + Double(additions) * secondsPerAddition
  }
}
