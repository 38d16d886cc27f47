/// How one axis of a stored tensor becomes the same axis of a model tensor: for every slot of the model, the
/// stored position it is filled from, or nil for zero.
package struct AxisAlignment: Sendable, Hashable {
  package let sources: [Int?]

  init(sources: [Int?]) {
    self.sources = sources
  }

  /// Slots that hold a second copy of a stored position.
  package var numReplicated: Int { sources.count - numPadded - Set(sources.compactMap(\.self)).count }

  /// Slots that hold zero.
  package var numPadded: Int { sources.count { $0 == nil } }
}

extension AxisAlignment {
  /// Repeats every stored position `to / from` times in place: h0 h0 h1 h1, so that the ranks that share a
  /// head are neighbours. Only whole ratios are allowed.
  package static func repeating(from stored: Int, to slots: Int) throws(PlanningError) -> AxisAlignment {
    try check(stored, slots)
    guard slots % stored == 0 else {
      let above = (slots / stored + 1) * stored
      throw PlanningError(
        "\(stored) stored positions cannot fill \(slots) slots by repetition: use a multiple of \(stored), "
          + "for example \(slots > stored ? slots / stored * stored : stored) or \(above).")
    }
    return AxisAlignment(sources: (0..<slots).map { $0 / (slots / stored) })
  }

  /// Appends zeros: to each of `shards` shards when the stored tensor was read sharded, else at the very end.
  package static func zeroPadding(from stored: Int, to slots: Int, shards: Int, loadedSharded: Bool)
    throws(PlanningError) -> AxisAlignment
  {
    try check(stored, slots)
    guard slots >= stored else {
      throw PlanningError(
        "\(stored) stored positions do not fit \(slots) slots, and padding never shrinks: use at least "
          + "\(stored)."
      )
    }
    guard shards >= 1 else { throw PlanningError("An axis cannot have \(shards) shards: use at least 1.") }
    let parts = loadedSharded ? shards : 1
    guard (slots - stored) % parts == 0, stored == slots || stored % parts == 0 else {
      throw PlanningError(
        "\(slots - stored) zeros behind \(stored) stored positions do not split evenly over \(parts) "
          + "shards: use a width whose zeros and positions are both multiples of \(parts).")
    }
    if stored == slots { return AxisAlignment(sources: (0..<slots).map(\.self)) }
    let (width, filled) = (slots / parts, stored / parts)
    return AxisAlignment(
      sources: (0..<slots).map { $0 % width < filled ? $0 / width * filled + $0 % width : nil })
  }

  /// A gate and an up projection side by side per shard, each with its zeros: `[gate 0, 0, up 0, 0, gate 1,
  /// ...]`.
  ///
  /// Positions below `stored` are the gate's, those from `stored` on are the up projection's.
  package static func fusingGateUp(width stored: Int, paddedTo padded: Int, shards: Int) throws(PlanningError)
    -> AxisAlignment
  {
    let half = try zeroPadding(from: stored, to: padded, shards: shards, loadedSharded: true)
    guard padded % shards == 0 else {
      throw PlanningError(
        "A fused width of \(padded) does not split evenly over \(shards) shards: use a multiple of \(shards)."
      )
    }
    let width = padded / shards
    var sources: [Int?] = []
    for shard in 0..<shards {
      let slots = half.sources[shard * width..<(shard + 1) * width]
      sources += slots
      sources += slots.map { $0.map { $0 + stored } }
    }
    return AxisAlignment(sources: sources)
  }

  /// The largest axis that is aligned, so that the table of sources stays small.
  package static let maximumSlots = 1 << 26

  private static func check(_ stored: Int, _ slots: Int) throws(PlanningError) {
    for (value, name) in [(stored, "stored positions"), (slots, "slots")]
    where !(1...maximumSlots).contains(value) {
      throw PlanningError("An axis has \(value) \(name), but must have from 1 to \(maximumSlots).")
    }
  }
}
