import Testing
import WorkerRuntime

@Suite struct NumericGuardTests {
  private func isBroken(_ values: [Float]) -> Bool {
    let words = values.map { Int32(bitPattern: $0.bitPattern) }
    return NumericGuard.isBroken(words.span)
  }

  @Test func numbersThatModelsReachPass() {
    #expect(!isBroken([]))
    #expect(!isBroken([0, -0, 1, -1e18, .leastNonzeroMagnitude, 0x1p64, -0x1p64]))
    #expect(!isBroken((0..<1001).map { Float($0) - 500 }))
  }

  @Test(arguments: [
    Float.nan, -.nan, .infinity, -.infinity, 0x1.000002p64, -3e38, Float(bitPattern: 0xffff_ffff),
  ])
  func othersDoNotWhereverTheyAre(value: Float) {
    for place in [0, 1, 15, 16, 63, 100, 102] {
      var values = Array(repeating: Float(0.5), count: 103)
      values[place] = value
      #expect(isBroken(values), "\(value) at \(place)")
    }
  }

  /// Experts' numbers travel between values: whole numbers of usual size are no floats out of bounds.
  @Test func wholeNumbersPass() {
    let words: [Int32] = [0, 1, 255, 1 << 20, (1 << 30) - 1]
    let isBroken = NumericGuard.isBroken(words.span)
    #expect(!isBroken)
  }
}
