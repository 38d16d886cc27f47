import Compute
import Tensors

/// SplitMix64 (Steele, Lea and Flood 2014): a test prints the seed and can be run again.
struct SeededRandom {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Uniform in -1...1, with some zeros, negative zeros, denormals and large values mixed in.
  mutating func float(special: Bool = true) -> Float {
    let word = next()
    if special {
      switch word >> 58 {
      case 0: return 0
      case 1: return -0.0
      case 2: return Float(bitPattern: UInt32(truncatingIfNeeded: word) & 0x807F_FFFF)
      case 3: return Float(Int64(bitPattern: word) >> 40)
      default: break
      }
    }
    return Float(Int32(truncatingIfNeeded: word)) * 0x1p-31
  }

  mutating func floats(_ count: Int, special: Bool = true) -> [Float] {
    (0..<count).map { _ in float(special: special) }
  }

  mutating func int(below bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

/// The vector kernels that this machine can run.
let vectorSets: [InstructionSet] = InstructionSet.allCases.filter { $0 != .reference && $0.isAvailable }
let referenceTable = KernelTable(.reference)

/// First index where two results differ in bits (any two NaN are equal), as a sentence; nil when they agree.
func difference(_ a: [Float], _ b: [Float]) -> String? {
  guard a.count == b.count else { return "\(a.count) against \(b.count) elements" }
  for i in a.indices where a[i].bitPattern != b[i].bitPattern && !(a[i].isNaN && b[i].isNaN) {
    return "element \(i): \(a[i]) against \(b[i]) in the reference"
  }
  return nil
}

/// A packed matrix made by the reference packer from f32 rows.
func packed(_ rows: [[Float]], inputs: Int, as type: DType) -> [UInt32] {
  let panels = (rows.count + 15) / 16
  let depth = type == .bf16 ? (inputs + 1) / 2 : inputs
  var words = [UInt32](repeating: 0xDEAD_BEEF, count: panels * 16 * depth + 64)
  let flat = rows.flatMap { $0 }
  flat.withUnsafeBytes { source in
    let pointers: [UnsafeRawPointer?] = rows.indices.map { source.baseAddress! + $0 * inputs * 4 }
    words.withUnsafeMutableBytes { out in
      referenceTable.packRows(
        rowPointers: pointers, sourceType: .f32, inputs: inputs, outputs: rows.count,
        blocks: 0..<(panels + 3) / 4, destination: out.baseAddress!, destinationType: type)
    }
  }
  return words
}
