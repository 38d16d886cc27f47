package import Wire

/// The name under which a worker process speaks to the coordinator: `r3.e1.i2`, and `r3.e1.i2.p` for its pulses.
///
/// A replaced worker gets a new name, never the old one: ZeroMQ either ignores a second connection of one name or
/// drops what was queued for the first.
package struct WorkerName: Sendable, Hashable, CustomStringConvertible {
  package var rank: UInt32
  /// The epoch in which the process was started.
  package var epoch: Epoch
  /// Which start of this rank it is.
  package var incarnation: UInt32
  package var channel: Channel

  /// The connections that one process keeps.
  package enum Channel: String, Sendable, Hashable {
    /// Everything but pulses; the main thread's.
    case control = ""
    /// The pulse thread's.
    case pulse = ".p"
  }

  package init(rank: UInt32, epoch: Epoch, incarnation: UInt32, channel: Channel = .control) {
    self.rank = rank
    self.epoch = epoch
    self.incarnation = incarnation
    self.channel = channel
  }

  package var description: String {
    "r\(rank).e\(epoch.rawValue).i\(incarnation)\(channel.rawValue)"
  }

  /// Reads what `description` writes; nil for anything else.
  package init?(_ bytes: Span<UInt8>) {
    guard bytes.count <= 48 else { return nil }
    var text = ""
    for index in bytes.indices {
      guard bytes[index] > 0x20, bytes[index] < 0x7F else { return nil }
      text.unicodeScalars.append(Unicode.Scalar(bytes[index]))
    }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3 || parts.count == 4 && parts[3] == "p", parts[0].first == "r",
      parts[1].first == "e", parts[2].first == "i"
    else {
      return nil
    }
    guard let rank = UInt32(parts[0].dropFirst()), let epoch = UInt64(parts[1].dropFirst()),
      let incarnation = UInt32(parts[2].dropFirst())
    else { return nil }
    self.init(
      rank: rank, epoch: Epoch(rawValue: epoch), incarnation: incarnation,
      channel: parts.count == 4 ? .pulse : .control)
    guard description == text else { return nil }
  }
}
