/// The kernels of one instruction set: every arithmetic call of the engine goes through one of its doors.
///
/// All instruction sets give the same bits; the table only decides how fast. Doors take raw pointers and
/// trust their callers' regions: only `Compute` may call them. A call costs one switch.
package struct KernelTable: Sendable {
  /// Which kernels the doors lead to.
  package let instructionSet: InstructionSet
  /// Distance between a load of weights and its prefetch.
  let prefetchBytes: Int
  /// Whether this processor multiplies pairs of bfloat16 in one instruction.
  let usesDots: Bool

  /// Measured: processors of AMD reach the whole read bandwidth on their own, and prefetches far ahead take
  /// a tenth of it away; those of Intel leave a quarter unused without prefetches 4 KiB ahead.
  private static let prefetchBytesOfProcessor = CPUFeatures.vendor == "AuthenticAMD" ? 0 : 4096

  /// The kernels of `instructionSet`, which this processor must be able to run.
  package init(_ instructionSet: InstructionSet = .best) {
    precondition(
      instructionSet.isAvailable,
      "this processor cannot run the \(instructionSet) kernels; best is \(InstructionSet.best)")
    self.instructionSet = instructionSet
    prefetchBytes = Self.prefetchBytesOfProcessor
    usesDots = instructionSet == .avx512 && CPUFeatures.current.contains(.avx512bf16)
  }
}
