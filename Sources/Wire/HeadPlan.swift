package import Parsing

/// Asks one attention group for the logits of rows that the sender brings: the end of a model without its
/// layers.
package struct HeadPlan: Sendable, Hashable {
  package var epoch: Epoch
  /// Counted as steps are; each plan that a rank gets has a higher one.
  package var step: StepNumber
  /// Index of the group within its replica.
  package var group: Int32
  package var rows: Int32
  /// f32 hidden states before the final norm, row-major, little-endian.
  package var hidden: [UInt8]

  package init(epoch: Epoch, step: StepNumber, group: Int32, rows: Int32, hidden: [UInt8]) {
    self.epoch = epoch
    self.step = step
    self.group = group
    self.rows = rows
    self.hidden = hidden
  }
}

extension HeadPlan: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    self.init(
      epoch: try reader.epoch(), step: try reader.step(), group: try reader.index("group"),
      rows: try reader.index("rows"), hidden: try reader.lengthPrefixedBytes("hidden states"))
  }

  package func write(to writer: inout ByteWriter) {
    writer.epoch(epoch)
    writer.step(step)
    writer.i32(group)
    writer.i32(rows)
    writer.lengthPrefixedBytes(hidden)
  }
}
