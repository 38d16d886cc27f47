import Kernels
import Tensors

extension ShardLoader {
  /// Gathers row addresses of a window of blocks, wherever the rows come from, and lets the kernel pack them.
  static func pack(
    _ job: Job, _ format: WeightFormat, _ leafWidth: Int, _ source: some WeightSource,
    _ arena: inout AlignedBuffer, _ state: inout LoadState, _ progress: (LoadProgress) -> Bool
  ) throws(CheckpointError) {
    let blockRows = PackedLayout.lanes * PackedLayout.panelsPerBlock
    let blocks = (job.rows + blockRows - 1) / blockRows
    guard blocks > 0, job.columns > 0 else { return }
    let widest = job.segments.reduce(1) { max($0, $1.tensor?.rowBytes ?? 0) }
    let blocksPerWindow = max(1, windowBytes / (widest * blockRows))
    let rowSize = job.columns * job.dtype.byteCount
    let scratch = unsafe state.scratch.reserve(blocksPerWindow * blockRows * rowSize)
    let pointers = UnsafeMutableBufferPointer<UnsafeRawPointer?>.allocate(capacity: blocks * blockRows)
    defer { unsafe pointers.deallocate() }
    unsafe pointers.initialize(repeating: nil)
    guard let rows = pointers.baseAddress else { return }
    let destination = unsafe arena.base + job.request.byteOffset
    var doneBytes = 0
    var block = 0
    while block < blocks {
      let window = block..<min(blocks, block + blocksPerWindow)
      let windowRows = window.lowerBound * blockRows..<min(job.rows, window.upperBound * blockRows)
      unsafe gather(job, windowRows, source, scratch, rows)
      if format.isQuantized {
        unsafe packQuantizedRows(
          rowPointers: rows, sourceType: job.dtype, inputs: job.columns, outputs: job.rows, blocks: window,
          destination: destination, isNibbles: format == .q4, leafWidth: leafWidth)
      } else {
        unsafe packRows(
          rowPointers: rows, sourceType: job.dtype, inputs: job.columns, outputs: job.rows, blocks: window,
          destination: destination, destinationType: format.dtype)
      }
      forEachPart(job, windowRows) { tensor, rows, _ in source.release(tensor, rows: rows) }
      let end = PackedLayout.byteCount(
        rows: windowRows.upperBound, columns: job.columns, format: format, leafWidth: leafWidth)
      try state.advance(by: end - doneBytes, progress)
      doneBytes = end
      block = window.upperBound
    }
  }

  /// Writes the address of every row of the window; rows of zeros stay nil.
  @unsafe
  private static func gather(
    _ job: Job, _ window: Range<Int>, _ source: some WeightSource, _ scratch: UnsafeMutableRawBufferPointer,
    _ pointers: UnsafeMutablePointer<UnsafeRawPointer?>
  ) {
    let rowSize = job.columns * job.dtype.byteCount
    for segment in job.segments {
      guard let tensor = segment.tensor else { continue }
      let rows = segment.rows.clamped(to: window)
      guard !rows.isEmpty else { continue }
      let first = segment.firstRow + rows.lowerBound - segment.rows.lowerBound
      let offset = (rows.lowerBound - window.lowerBound) * rowSize
      let room = unsafe UnsafeMutableRawBufferPointer(
        rebasing: scratch[offset..<offset + rows.count * rowSize])
      let (base, stride) = unsafe source.locate(
        tensor, rows: first..<first + rows.count, columns: segment.columns, scratch: room)
      for index in 0..<rows.count {
        unsafe pointers[rows.lowerBound + index] = base + index * stride
      }
    }
  }

  /// The source rows behind a range of destination rows.
  private static func forEachPart(
    _ job: Job, _ window: Range<Int>, _ body: (ResolvedTensor, Range<Int>, Range<Int>) -> Void
  ) {
    for segment in job.segments {
      guard let tensor = segment.tensor else { continue }
      let rows = segment.rows.clamped(to: window)
      guard !rows.isEmpty else { continue }
      let first = segment.firstRow + rows.lowerBound - segment.rows.lowerBound
      body(tensor, first..<first + rows.count, rows)
    }
  }

  /// Plain f32 elements, one row of a part at a time.
  static func widen(
    _ job: Job, _ source: some WeightSource, _ arena: inout AlignedBuffer, _ state: inout LoadState,
    _ progress: (LoadProgress) -> Bool
  ) throws(CheckpointError) {
    for segment in job.segments {
      guard let tensor = segment.tensor else { continue }
      let columns = segment.columns
      let scratch = unsafe state.scratch.reserve(columns.count * tensor.dtype.byteCount)
      for row in 0..<segment.rows.count / max(1, columns.count) {
        let sourceRow = segment.firstRow + row
        let (base, _) = unsafe source.locate(
          tensor, rows: sourceRow..<sourceRow + 1, columns: columns, scratch: scratch)
        let bytes = unsafe RawSpan(_unsafeStart: base, byteCount: columns.count * tensor.dtype.byteCount)
        let start = job.request.byteOffset + 4 * (segment.rows.lowerBound + row * columns.count)
        let target = unsafe (arena.base + start).assumingMemoryBound(to: Float.self)
        for column in 0..<columns.count {
          let value = Widening.element(bytes, at: column * tensor.dtype.byteCount, tensor.dtype)
          unsafe target[column] = value
        }
        source.release(tensor, rows: sourceRow..<sourceRow + 1)
      }
    }
    try state.advance(by: job.request.byteCount, progress)
  }
}
