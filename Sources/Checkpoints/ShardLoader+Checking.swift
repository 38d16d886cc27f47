import Tensors

extension ShardLoader {
  /// Requests come from the model builder, so a bad destination is a programming error.
  static func checkDestinations(_ requests: [TensorRequest], _ arenaBytes: Int) {
    var end = 0
    let ordered = requests.filter { $0.byteCount > 0 }.sorted { $0.byteOffset < $1.byteOffset }
    for request in ordered {
      let (start, count) = (request.byteOffset, request.byteCount)
      precondition(start % 64 == 0, "destination \(start) is not aligned to 64 bytes")
      precondition(start >= end, "destination \(start) overlaps one that ends at \(end)")
      precondition(count <= arenaBytes - start, "destination \(start) + \(count) exceeds \(arenaBytes) bytes")
      end = start + count
    }
  }

  static func job(_ request: TensorRequest, _ source: some WeightSource) throws(CheckpointError) -> Job {
    let isVector = request.destination == .vector
    var segments: [Segment] = []
    var row = 0
    var first: ResolvedTensor?
    for piece in request.pieces {
      switch piece {
      case .zeros(let count):
        segments.append(Segment(rows: row..<row + count, tensor: nil, firstRow: 0, columns: 0..<0))
        row += count
      case .part(let tensor, let rows, let columns):
        checkRectangle(tensor, rows, columns)
        precondition(
          isVector || columns.count == request.columns,
          "\(tensor.name): \(columns.count) columns stacked on \(request.columns)")
        let found = try source.resolve(tensor)
        let previous = first ?? found
        // The packing kernel reads one type at a time.
        guard isVector || previous.dtype == found.dtype else {
          throw CheckpointError(
            "\(source.title): the tensors \(quoted(previous.name)) (\(previous.dtype.rawValue)) and "
              + "\(quoted(found.name)) (\(found.dtype.rawValue)) are used as one matrix and must have one dtype"
          )
        }
        first = previous
        let count = isVector ? rows.count * columns.count : rows.count
        segments.append(
          Segment(rows: row..<row + count, tensor: found, firstRow: rows.lowerBound, columns: columns))
        row += count
      }
    }
    return Job(
      request: request, segments: segments.filter { !$0.rows.isEmpty }, dtype: first?.dtype ?? .f32,
      columns: request.columns, rows: row)
  }

  private static func checkRectangle(_ tensor: CheckpointTensor, _ rows: Range<Int>, _ columns: Range<Int>) {
    precondition(
      rows.lowerBound >= 0 && rows.upperBound <= tensor.rows && columns.lowerBound >= 0
        && columns.upperBound <= tensor.columns,
      "\(tensor.name) is \(tensor.shape); rows \(rows), columns \(columns) are outside")
  }

  static func prefetchStart(of job: Job, _ source: some WeightSource) {
    for segment in job.segments {
      guard let tensor = segment.tensor, job.request.destination != .vector else { continue }
      let rows = min(segment.rows.count, max(1, windowBytes / max(1, tensor.rowBytes)))
      source.prefetch(tensor, rows: segment.firstRow..<segment.firstRow + rows)
    }
  }
}

extension ShardLoader.Job {
  /// Sorts jobs into the order of the files, which disks and read-ahead like best.
  fileprivate var filePositionPair: (Int, Int) {
    for segment in segments {
      guard let tensor = segment.tensor, case .file(let part, let offset) = tensor.origin else { continue }
      return (part, offset + segment.firstRow * tensor.rowBytes)
    }
    return (0, 0)
  }

  /// Part and offset as one comparable number: an offset never reaches 2^48.
  var filePosition: Int { filePositionPair.0 << 48 | filePositionPair.1 }
}
