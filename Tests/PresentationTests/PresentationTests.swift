import Presentation
import Testing

@Suite struct PresentationTests {
  @Test(arguments: [
    (0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (1_048_575, "1.00 MiB"), (1_300_000_000, "1.21 GiB"),
    (-2048, "-2.00 KiB"), (Int.max, "8192 PiB"),
  ])
  func bytesHaveUnits(count: Int, text: String) { #expect(Numbers.bytes(count) == text) }

  @Test(arguments: [
    (0.0000042, "4.20 us"), (0.0009996, "1.00 ms"), (0.0123, "12.3 ms"), (0.9996, "1.00 s"), (4.56, "4.56 s"),
    (59.96, "1 min 00 s"), (123, "2 min 03 s"), (0, "0.00 us"),
  ])
  func durationsHaveUnits(seconds: Double, text: String) {
    #expect(Numbers.duration(seconds: seconds) == text)
  }

  @Test(arguments: [
    (1.005, 2, "1.00"), (0.05, 1, "0.1"), (-0.05, 1, "-0.1"), (12.0, 0, "12"), (0.0001234, 6, "0.000123"),
    (.infinity, 2, "inf"), (1e300, 2, "1e+300"), (-0.001, 2, "0.00"),
  ])
  func decimalsAreFixed(value: Double, digits: Int, text: String) {
    #expect(Numbers.decimal(value, digits: digits) == text)
  }

  @Test func tablesAreMarkdownAndLineUp() {
    var table = Table([("test", .left), ("t/s", .right)])
    table.add(["pp512", "1234.5"])
    table.add(["a|b", "1"])
    #expect(
      table.lines == [
        "| test  |    t/s |", "| ----- | -----: |", "| pp512 | 1234.5 |", "| a\\|b  |      1 |",
      ])
  }

  @Test func progressAddsRanksAndNamesTheSlowest() {
    let line = Progress.line(
      "Loading", parts: [0: (done: 1 << 20, total: 1 << 20), 1: (done: 1 << 19, total: 1 << 20)], numParts: 2,
      elapsed: .milliseconds(100))
    #expect(line == "Loading [###############-----] 75 %  1.50 MiB  rank 1 at 50 %")
    // Two of four ranks have spoken: the others are taken to be as large.
    let early = Progress.line(
      "Loading", parts: [0: (done: 50, total: 100), 1: (done: 50, total: 100)], numParts: 4, elapsed: .zero)
    #expect(early.contains(" 25 % "))
    #expect(Progress.line("Loading", parts: [:], numParts: 2, elapsed: .zero).contains(" 0 % "))
  }
}
