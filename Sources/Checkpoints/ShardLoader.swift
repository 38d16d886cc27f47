package import Tensors

/// Fills a worker's weight arena from a source.
///
/// Everything is checked before the first byte is written: that all tensors exist with the right types and
/// shapes, and that destinations lie in the arena apart from one another. Then requests are executed in the
/// order of the file, a window of a few MiB at a time; what was read is released behind, so that the peak
/// memory is the arena plus a window.
package struct ShardLoader: ~Copyable {
  /// Stored bytes that one window covers at most, unless 64 rows are more.
  static let windowBytes = 4 << 20

  /// A request whose tensors have been found.
  struct Job {
    let request: TensorRequest
    let segments: [Segment]
    let dtype: DType
    let columns: Int
    let rows: Int
  }

  /// Consecutive destination rows from one place.
  struct Segment {
    /// Rows of the stacked matrix.
    let rows: Range<Int>
    /// Nil: zeros.
    let tensor: ResolvedTensor?
    let firstRow: Int
    let columns: Range<Int>
  }

  let jobs: [Job]
  /// Bytes that `load` will write.
  package let byteCount: Int

  /// Finds and checks everything that the requests need.
  ///
  /// - Parameter arenaBytes: size of the arena.
  /// - Throws: the first tensor that is missing or does not fit, naming its file.
  package init(
    _ requests: [TensorRequest], from source: some WeightSource, arenaBytes: Int
  ) throws(CheckpointError) {
    Self.checkDestinations(requests, arenaBytes)
    var jobs: [Job] = []
    jobs.reserveCapacity(requests.count)
    for request in requests { jobs.append(try Self.job(request, source)) }
    byteCount = requests.reduce(0) { $0 + $1.byteCount }
    self.jobs = jobs.sorted { $0.filePosition < $1.filePosition }
  }

  /// Executes the requests.
  ///
  /// - Parameters:
  ///   - source: the one given to `init`.
  ///   - arena: at least `arenaBytes` long; only the destinations are written.
  ///   - progress: called after every window; false stops.
  /// - Throws: only when `progress` asks to stop.
  package consuming func load(
    from source: some WeightSource, into arena: inout AlignedBuffer,
    progress: (LoadProgress) -> Bool = { _ in true }
  ) throws(CheckpointError) {
    var state = LoadState(totalBytes: byteCount)
    for index in jobs.indices {
      if index + 1 < jobs.count { Self.prefetchStart(of: jobs[index + 1], source) }
      let job = jobs[index]
      switch job.request.destination {
      case .packed(let format, let leafWidth):
        try Self.pack(job, format, leafWidth ?? job.columns, source, &arena, &state, progress)
      case .vector: try Self.widen(job, source, &arena, &state, progress)
      }
    }
  }

  /// What travels along while loading.
  struct LoadState: ~Copyable {
    let totalBytes: Int
    var doneBytes = 0
    var scratch = Scratch()

    init(totalBytes: Int) { self.totalBytes = totalBytes }

    mutating func advance(
      by bytes: Int, _ progress: (LoadProgress) -> Bool
    ) throws(CheckpointError) {
      doneBytes += bytes
      guard progress(LoadProgress(doneBytes: doneBytes, totalBytes: totalBytes)) else {
        throw CheckpointError("loading was stopped after \(doneBytes) of \(totalBytes) bytes")
      }
    }
  }

  /// Memory for rows that a source makes up; grows to the largest window.
  @safe struct Scratch: ~Copyable {
    private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)

    deinit { unsafe buffer.deallocate() }

    mutating func reserve(_ byteCount: Int) -> UnsafeMutableRawBufferPointer {
      if unsafe buffer.count < byteCount {
        unsafe buffer.deallocate()
        unsafe buffer = .allocate(byteCount: byteCount, alignment: 64)
      }
      return unsafe buffer
    }
  }
}
