package import Tensors

/// The three memories of a worker, mapped once.
@safe package final class StepMemory {
  package var weights: AlignedBuffer
  package var workspace: AlignedBuffer
  package var kv: AlignedBuffer

  /// Sizes in bytes.
  package init(weightBytes: Int, workspaceBytes: Int, kvBytes: Int) throws(AllocationError) {
    weights = try AlignedBuffer(byteCount: weightBytes)
    workspace = try AlignedBuffer(byteCount: workspaceBytes)
    kv = try AlignedBuffer(byteCount: kvBytes)
  }

  /// Where this process's weights lie, for those who look at it, or break it, from outside.
  package var weightsAddress: UInt64 { unsafe UInt64(UInt(bitPattern: weights.base)) }

  /// Base addresses for the walkers of a step.
  var bases: StepBases {
    unsafe StepBases(weights: weights.base, workspace: workspace.base, kv: kv.base)
  }
}

/// Where the arenas lie: the only place that turns a `Region` into an address.
///
/// NOTE: threads get the same bases; they never touch the same bytes between two barriers, because every operation
/// splits its output rows or columns over the threads and reads only what earlier operations wrote.
@safe struct StepBases {
  @unsafe let weights: UnsafeMutableRawPointer
  @unsafe let workspace: UnsafeMutableRawPointer
  @unsafe let kv: UnsafeMutableRawPointer

  func raw(_ region: Region) -> UnsafeMutableRawPointer {
    switch region.arena {
    case .weights: unsafe weights + region.byteOffset
    case .workspace: unsafe workspace + region.byteOffset
    case .kv: unsafe kv + region.byteOffset
    }
  }

  func floats(_ region: Region) -> UnsafeMutablePointer<Float> {
    unsafe raw(region).assumingMemoryBound(to: Float.self)
  }

  func ints(_ region: Region) -> UnsafeMutablePointer<Int32> {
    unsafe raw(region).assumingMemoryBound(to: Int32.self)
  }
}
