import Statistics
import Syscalls

/// Decides when a load has become steady, for a warm-up that is as long as it needs to be.
///
/// The first worker decides for all: its share of the load is like that of the others.
struct Warming {
    /// The fixed part is cut into so many windows.
    private static let windows: Int64 = 10
    /// A load that is not steady after so many times the fixed part is measured as it is.
    private static let patience: Int64 = 3

    private let window: Int64
    private let fixed: Int64
    private var steadiness: Steadiness
    private var latencies = Histogram()
    private var begun: Int64?

    init(_ plan: LoadPlan) {
        steadiness = Steadiness(isPoisson: plan.rate != nil && plan.arrivals == .poisson)
        fixed = plan.fixedWarmup.wholeNanoseconds
        window = fixed / Warming.windows
    }

    /// Takes what was answered since the last look; says whether the load is steady, or nil while
    /// it is to go on. `start` is when the load had its full height.
    mutating func take(_ answered: Histogram, at now: Int64, since start: Int64) -> Bool? {
        guard let begun else {
            self.begun = now
            return nil
        }
        latencies.add(answered)
        if now - begun >= window {
            steadiness.add(
                count: latencies.count, rate: Double(latencies.count) * 1e9 / Double(now - begun),
                median: Double(latencies.value(at: 0.5) ?? 0))
            latencies.clear()
            self.begun = now
        }
        guard now - start >= fixed else { return nil }
        if steadiness.isSteady { return true }
        return now - start >= Warming.patience * fixed ? false : nil
    }
}
