import Kernels

// Scalar work that is the same for every instruction set.

extension KernelTable {
  /// Adds up (maximum, sum) parts of a log-sum-exp along a canonical tree, in place; returns how many entries are left.
  package func logSumExpCombine(
    maxima: UnsafeMutablePointer<Float>, sums: UnsafeMutablePointer<Float>, count: Int,
    merges: UnsafePointer<UInt8>
  ) -> Int {
    unsafe Kernels.logSumExpCombine(maxima: maxima, sums: sums, count: count, merges: merges)
  }

  /// Natural logarithm in double precision without libm.
  package func logarithm(_ x: Double) -> Double { Kernels.logarithm(x) }

  /// e^x in double precision without libm.
  package func exponential(_ x: Double) -> Double { Kernels.exponential(x) }
}
