/// The kernels of one instruction set: every arithmetic call of the engine goes through one of its doors.
///
/// All instruction sets give the same bits; the table only decides how fast. Doors take raw pointers and trust their
/// callers' regions: only `Compute` may call them. A call costs one switch.
package struct KernelTable: Sendable {
  /// Which kernels the doors lead to.
  package let instructionSet: InstructionSet

  /// The kernels of `instructionSet`, which this processor must be able to run.
  package init(_ instructionSet: InstructionSet = .best) {
    precondition(
      instructionSet.isAvailable,
      "this processor cannot run the \(instructionSet) kernels; best is \(InstructionSet.best)")
    self.instructionSet = instructionSet
  }
}
