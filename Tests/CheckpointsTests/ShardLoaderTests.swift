import Checkpoints
import Tensors
import Testing

/// Element (row, column) of a packed matrix, by the definition of the layout.
private func packedElement(
  _ bytes: RawSpan, _ start: Int, rows: Int, columns: Int, format: WeightFormat, _ row: Int, _ column: Int
) -> Float {
  let panels = PackedLayout.panelCount(rows: rows)
  let (block, panel, lane) = (row / 64, row % 64 / 16, row % 16)
  let width = min(4, panels - block * 4)
  func byte(_ offset: Int) -> UInt32 {
    UInt32(unsafe bytes.unsafeLoad(fromByteOffset: start + offset, as: UInt8.self))
  }
  switch format {
  case .bf16, .bf16Dots:
    let pairs = (columns + 1) / 2
    let word = block * 64 * pairs + (column / 2 * width + panel) * 16 + lane
    let offset = word * 4 + column % 2 * 2
    return BFloat16(bits: UInt16(byte(offset) | byte(offset + 1) << 8)).float
  case .f32:
    let offset = 4 * (block * 64 * columns + (column * width + panel) * 16 + lane)
    return Float(
      bitPattern: byte(offset) | byte(offset + 1) << 8 | byte(offset + 2) << 16 | byte(offset + 3) << 24)
  case .q8, .q4: preconditionFailure("rounded formats are compared in KernelsTests")
  }
}

private func check(
  _ request: TensorRequest, in arena: borrowing AlignedBuffer, _ expected: [[Float]], _ comment: String
) {
  let bytes = arena.bytes
  switch request.destination {
  case .packed(let format, _):
    #expect(request.rows == expected.count, "\(comment)")
    for row in 0..<PackedLayout.panelCount(rows: request.rows) * 16 {
      for column in 0..<request.columns {
        let value = packedElement(
          bytes, request.byteOffset, rows: request.rows, columns: request.columns, format: format, row, column
        )
        let wanted = row < expected.count ? expected[row][column] : 0
        guard value != wanted else { continue }
        Issue.record("\(comment): (\(row), \(column)) is \(value), not \(wanted)")
        return
      }
    }
  case .vector:
    let flat = expected.flatMap { $0 }
    for (index, wanted) in flat.enumerated() {
      let value = unsafe bytes.unsafeLoadUnaligned(
        fromByteOffset: request.byteOffset + 4 * index, as: Float.self)
      #expect(value == wanted, "\(comment): \(index)")
    }
  }
}

/// Matrices whose element (r, c) of tensor t is distinct and exact in bf16 within each tensor row.
private func value(_ tensor: Int, _ row: Int, _ column: Int) -> Float {
  Float((tensor * 89 + row * 31 + column * 7) % 255 - 127)
}

private func matrix(_ tensor: Int, _ rows: Range<Int>, _ columns: Range<Int>) -> [[Float]] {
  rows.map { row in columns.map { value(tensor, row, $0) } }
}

@Test(
  "fused, sliced, repeated and padded matrices, in every combination of stored and packed type",
  arguments: [DType.bf16, .f16, .f32], [WeightFormat.bf16, .f32])
func packing(dtype: DType, format: WeightFormat) throws {
  let directory = try TemporaryDirectory()
  let shapes = [[100, 37], [40, 37], [40, 37], [6], [3, 50, 37]]
  var stored: [TestTensor] = []
  for (index, shape) in shapes.enumerated() {
    let columns = shape[shape.count - 1]
    let rows = shape.dropLast().reduce(1, *)
    stored.append(
      TestTensor("t\(index)", dtype, shape, matrix(index, 0..<rows, 0..<columns).flatMap { $0 }))
  }
  // An odd header length makes every element of the file misaligned.
  var bytes = safetensors(stored)
  if bytes[0] % 2 == 0 { bytes = safetensors(stored, padding: 1) }
  let source = try SafetensorsCheckpoint.open(file: directory.write("w.safetensors", bytes))
  func tensor(_ index: Int) -> CheckpointTensor { CheckpointTensor("t\(index)", shape: shapes[index]) }
  let stacked = CheckpointTensor(
    shape: [25, 37],
    locations: [
      TensorLocation(name: "expert.1.up", shape: [25, 37], firstRow: 0),
      TensorLocation(name: "t4", shape: [3, 50, 37], firstRow: 75),
    ])
  let plans: [([TensorRequest.Piece], [[Float]])] = [
    ([.part(tensor(0), rows: 0..<100, columns: 0..<37)], matrix(0, 0..<100, 0..<37)),
    (
      [
        .part(tensor(0), rows: 10..<75, columns: 0..<37), .part(tensor(1), rows: 5..<9, columns: 0..<37),
        .part(tensor(1), rows: 5..<9, columns: 0..<37), .zeros(3),
        .part(tensor(2), rows: 39..<40, columns: 0..<37), .zeros(2),
      ],
      matrix(0, 10..<75, 0..<37) + matrix(1, 5..<9, 0..<37) + matrix(1, 5..<9, 0..<37)
        + [[Float]](repeating: [Float](repeating: 0, count: 37), count: 3) + matrix(2, 39..<40, 0..<37)
        + [[Float]](repeating: [Float](repeating: 0, count: 37), count: 2)
    ),
    ([.part(tensor(0), rows: 0..<100, columns: 11..<22)], matrix(0, 0..<100, 11..<22)),
    ([.part(stacked, rows: 5..<25, columns: 36..<37)], matrix(4, 80..<100, 36..<37)),
    ([.part(tensor(1), rows: 7..<7, columns: 0..<37)], []),
  ]
  var allocator = RegionAllocator(.weights)
  var requests: [TensorRequest] = []
  var expected: [[[Float]]] = []
  for (pieces, values) in plans {
    var request = TensorRequest(pieces, as: .packed(format), at: 0)
    request.byteOffset = allocator.take(bytes: request.byteCount).byteOffset
    requests.append(request)
    expected.append(values)
  }
  var vector = TensorRequest(
    [
      .part(tensor(3), rows: 0..<1, columns: 2..<5), .zeros(2), .part(tensor(3), rows: 0..<1, columns: 0..<1),
    ],
    as: .vector, at: 0)
  vector.byteOffset = allocator.take(bytes: vector.byteCount).byteOffset
  requests.append(vector)
  expected.append([[value(3, 0, 2), value(3, 0, 3), value(3, 0, 4), 0, 0, value(3, 0, 0)]])

  var arena = try AlignedBuffer(byteCount: allocator.byteCount)
  let loader = try ShardLoader(requests, from: source, arenaBytes: allocator.byteCount)
  let total = loader.byteCount
  var doneBytes = 0
  try loader.load(from: source, into: &arena) { progress in
    #expect(progress.doneBytes > doneBytes && progress.totalBytes == total)
    doneBytes = progress.doneBytes
    return true
  }
  #expect(doneBytes == total)
  #expect(total == requests.reduce(0) { $0 + $1.byteCount })
  for (index, request) in requests.enumerated() {
    check(request, in: arena, expected[index], "request \(index)")
  }
}

@Test("windows: a matrix larger than one window, from files and made up")
func windows() throws {
  let (rows, columns) = (2000, 3001)
  let tensor = CheckpointTensor("big.weight", shape: [rows, columns])
  let synthetic = SyntheticWeights(seed: 5, dtype: .bf16)
  let found = try synthetic.resolve(tensor)
  var values: [Float] = []
  values.reserveCapacity(rows * columns)
  synthetic.withRows(found, rows: 0..<rows, columns: 0..<columns) { block in
    for row in 0..<rows { for column in 0..<columns { values.append(block.element(row, column)) } }
  }
  let directory = try TemporaryDirectory()
  let path = try directory.write(
    "w.safetensors", safetensors([TestTensor("big.weight", .bf16, [rows, columns], values)]))
  let file = try SafetensorsCheckpoint.open(file: path)
  let request = TensorRequest(
    [.part(tensor, rows: 3..<1990, columns: 1000..<2500), .part(tensor, rows: 0..<30, columns: 0..<1500)],
    as: .packed(.bf16), at: 0)
  var fromFile = try AlignedBuffer(byteCount: request.byteCount)
  var made = try AlignedBuffer(byteCount: request.byteCount)
  var windows = 0
  try ShardLoader([request], from: file, arenaBytes: request.byteCount).load(from: file, into: &fromFile) {
    _ in
    windows += 1
    return true
  }
  try ShardLoader([request], from: synthetic, arenaBytes: request.byteCount).load(
    from: synthetic, into: &made)
  #expect(windows > 2)
  for (row, column) in [(0, 0), (1986, 1499), (1987, 0), (2016, 1499), (1000, 777)] {
    let source = row < 1987 ? (row + 3, column + 1000) : (row - 1987, column)
    let wanted = values[source.0 * columns + source.1]
    let first = packedElement(fromFile.bytes, 0, rows: 2017, columns: 1500, format: .bf16, row, column)
    let second = packedElement(made.bytes, 0, rows: 2017, columns: 1500, format: .bf16, row, column)
    #expect(first == wanted && second == wanted, "(\(row), \(column))")
  }
}

@Test("nothing is written before everything has been checked, and loading can be stopped")
func checkedFirst() throws {
  let directory = try TemporaryDirectory()
  let stored = [
    TestTensor("a", .bf16, [2, 2], [1, 2, 3, 4]), TestTensor("b", .f32, [2, 2], [1, 2, 3, 4]),
  ]
  let source = try SafetensorsCheckpoint.open(file: directory.write("w.safetensors", safetensors(stored)))
  let a = CheckpointTensor("a", shape: [2, 2])
  let b = CheckpointTensor("b", shape: [2, 2])
  let missing = CheckpointTensor("c", shape: [2, 2])
  let good = TensorRequest(whole: a, as: .packed(.bf16), at: 0)
  let bad = TensorRequest(whole: missing, as: .packed(.bf16), at: 1024)
  #expect(throws: CheckpointError.self) { _ = try ShardLoader([good, bad], from: source, arenaBytes: 4096) }
  let mixed = TensorRequest(
    [.part(a, rows: 0..<2, columns: 0..<2), .part(b, rows: 0..<2, columns: 0..<2)], as: .packed(.f32), at: 0)
  let error = #expect(throws: CheckpointError.self) {
    _ = try ShardLoader([mixed], from: source, arenaBytes: 4096)
  }
  #expect(error?.message.contains("\"a\" (BF16) and \"b\" (F32)") == true)
  var arena = try AlignedBuffer(byteCount: 4096)
  let stopped = #expect(throws: CheckpointError.self) {
    try ShardLoader([good], from: source, arenaBytes: 4096).load(from: source, into: &arena) { _ in false }
  }
  #expect(stopped?.message.contains("stopped") == true)
}

@Test("destinations outside the arena are programming errors")
func badDestination() async {
  await #expect(processExitsWith: .failure) {
    let source = SyntheticWeights(seed: 0, dtype: .bf16)
    let request = TensorRequest(
      whole: CheckpointTensor("a", shape: [2, 2]), as: .packed(.bf16), at: 64)
    _ = try? ShardLoader([request], from: source, arenaBytes: 64)
  }
}
