import Foundation
import Sampling
import Testing
import Wire

@Suite struct FunctionTests {
  /// Known answers of Philox4x32-10, published with Random123 (Salmon et al.).
  @Test func philoxKnownAnswers() {
    #expect(
      Philox.words(counter: SIMD4(repeating: 0), key: SIMD2(repeating: 0))
        == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    #expect(
      Philox.words(counter: SIMD4(repeating: .max), key: SIMD2(repeating: .max))
        == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    #expect(
      Philox.words(
        counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
        key: SIMD2(0xa409_3822, 0x299f_31d0))
        == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  @Test func uniformsAreUniform() {
    var counts = Array(repeating: 0, count: 16)
    var sum = 0.0
    for position in 0..<16_000 {
      let value = Philox.uniform(key: 42, position: UInt64(position))
      #expect(value >= 0 && value < 1)
      counts[Int(value * 16)] += 1
      sum += value
    }
    #expect(abs(sum / 16_000 - 0.5) < 0.01)
    // Chi-square with 15 degrees of freedom: 37.7 is passed once in a thousand seeds.
    let chiSquare = counts.reduce(0.0) { $0 + (Double($1) - 1000) * (Double($1) - 1000) / 1000 }
    #expect(chiSquare < 37.7)
    #expect(Philox.uniform(key: 1, position: 5) != Philox.uniform(key: 2, position: 5))
  }

  @Test func exponential() {
    #expect(Functions.exp(0) == 1)
    #expect(Functions.exp(-.infinity) == 0)
    #expect(Functions.exp(-88) == 0)
    var worst = 0.0
    var last: Float = 2
    for step in 0...87_000 {
      let x = -Float(step) / 1000
      let value = Functions.exp(x)
      worst = max(worst, abs(Double(value) / Foundation.exp(Double(x)) - 1))
      #expect(value <= last, "exp must not rise at \(x)")
      last = value
    }
    #expect(worst < 3e-7)
  }

  @Test func logarithm() {
    #expect(Functions.log(1) == 0)
    for step in 1..<20_000 {
      let x = Double(step) * 0.37 + 1
      #expect(abs(Functions.log(x) - Foundation.log(x)) < 2e-15 * max(1, Foundation.log(x)))
    }
    for x in [1e-300, 0.001, 0.5, 0.999, 1e300] {
      #expect(abs(Functions.log(x) - Foundation.log(x)) < 1e-15 * abs(Foundation.log(x)) + 1e-16)
    }
  }

  @Test func occurrencesAreCounted() {
    var table = OccurrenceTable(capacity: 2)
    for token in 0..<500 { table.add(TokenID(token * 64), outputs: token % 2 == 0 ? 1 : 0) }
    for token in 0..<100 { table.add(TokenID(token * 64), outputs: 1) }
    #expect(table.count == 500)
  }
}
