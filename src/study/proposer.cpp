#include "study/proposer.hpp"

#include <warpbo/error.hpp>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace warpbo::study {

namespace {

/// Whether an error of a sampler tells the caller something that quasi-random points would only hide.
bool concerns_caller(ErrorCode code) { return code == ErrorCode::unavailable || code == ErrorCode::cancelled; }

/// Why a suggestion cannot be handed out, or nothing.
std::optional<std::string> fault(const Points& points, const Parameters& parameters, const Parameters& fixed) {
  if (auto text = points.check(parameters)) return "outside of the space (" + *text + ")";
  for (const auto& [name, value] : fixed) {
    const Value* given = parameters.find(name);
    if (given == nullptr || *given != value) return "without the fixed value of \"" + name + "\"";
  }
  return std::nullopt;
}

void add_once(std::vector<std::string>& sentences, std::string sentence) {
  if (std::find(sentences.begin(), sentences.end(), sentence) == sentences.end()) sentences.push_back(std::move(sentence));
}

}  // namespace

Proposer::Proposer(const Points& points, std::shared_ptr<Sampler> sampler, const SamplerOptions& options, bool repeats)
    : points_(points), sampler_(std::move(sampler)), options_(options), repeats_(repeats) {}

Sampler& Proposer::substitute() {
  if (!substitute_) {
    SamplerOptions options = options_;
    options.kind = SamplerKind::sobol;
    substitute_ = make_sampler(options);
  }
  return *substitute_;
}

SuggestResult Proposer::propose(const SuggestRequest& request, const KnownPoints& known) {
  SuggestResult suggested = run(request);
  SuggestResult out;
  out.exhausted = suggested.exhausted;
  out.degraded = std::move(suggested.degraded);
  out.notice = std::move(suggested.notice);
  out.model = std::move(suggested.model);
  Keys chosen;
  accept(suggested, request, known, chosen, out);
  if (std::ssize(suggested.suggestions) < request.count && !out.exhausted && out.degraded.empty())
    out.degraded.push_back(sampler_->name() + " proposed " + std::to_string(suggested.suggestions.size()) + " of " +
                           std::to_string(request.count) + " points; quasi-random points for the rest");
  if (std::ssize(out.suggestions) < request.count && !out.exhausted) fill(request, known, chosen, out);
  return out;
}

SuggestResult Proposer::run(const SuggestRequest& request) {
  SuggestResult failed;
  try {
    return sampler_->suggest(request);
  } catch (const Error& error) {
    if (concerns_caller(error.code())) throw;
    failed.exhausted = error.code() == ErrorCode::exhausted;
    if (!failed.exhausted)
      failed.degraded.push_back(sampler_->name() + " failed: " + error.what() + "; quasi-random points instead");
  } catch (const std::exception& error) {
    failed.degraded.push_back(sampler_->name() + " failed: " + error.what() + "; quasi-random points instead");
  }
  return failed;
}

void Proposer::accept(SuggestResult& from, const SuggestRequest& request, const KnownPoints& known, Keys& chosen,
                      SuggestResult& into) const {
  for (Suggestion& suggestion : from.suggestions) {
    if (std::ssize(into.suggestions) == request.count) return;
    Parameters parameters = points_.typed(suggestion.parameters);
    if (const auto text = fault(points_, parameters, request.fixed)) {
      add_once(into.degraded, suggestion.origin + " proposed a point " + *text + "; it was replaced");
      continue;
    }
    if (!repeats_) {
      std::string key = Points::key(parameters);
      if (known.contains(key) || chosen.contains(key)) {
        add_once(into.degraded, suggestion.origin + " proposed a point a second time; it was replaced");
        continue;
      }
      chosen.insert(std::move(key));
    }
    into.suggestions.push_back({std::move(parameters), std::move(suggestion.origin)});
  }
}

void Proposer::fill(const SuggestRequest& request, const KnownPoints& known, Keys& chosen, SuggestResult& into) {
  // What was accepted counts as pending, so that the rest keeps clear of it.
  std::vector<Trial> pending(request.pending.begin(), request.pending.end());
  for (const Suggestion& suggestion : into.suggestions) {
    Trial& trial = pending.emplace_back();
    trial.number = static_cast<std::int64_t>(request.draw) + std::ssize(pending);
    trial.parameters = suggestion.parameters;
  }
  const auto accepted = std::ssize(into.suggestions);
  const SuggestRequest rest{request.space,
                            request.finished,
                            pending,
                            request.direction,
                            request.count - static_cast<int>(accepted),
                            request.fixed,
                            request.draw + static_cast<std::uint64_t>(accepted)};
  SuggestResult more;
  try {
    more = substitute().suggest(rest);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::exhausted) throw;
    more.exhausted = true;
  }
  into.exhausted = more.exhausted;
  accept(more, request, known, chosen, into);
  if (std::ssize(into.suggestions) < request.count && !into.exhausted)
    throw Error(ErrorCode::internal, "no valid point could be proposed" +
                                         (into.degraded.empty() ? std::string() : ": " + into.degraded.back()) +
                                         "; this is a defect of warpbo");
}

}  // namespace warpbo::study
