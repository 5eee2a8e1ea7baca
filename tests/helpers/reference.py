"""Slow plain twins of fast functions: loops that follow the definition, as oracles."""

import itertools
import math

import numpy as np


def find_peaks(curve, threshold, radius):
    """Peaks by looking at every frame's neighborhood; of equal frames the first."""
    kept = []
    for i, value in enumerate(curve):
        near = curve[max(0, i - radius) : i + radius + 1]
        if value >= threshold and value == max(near):
            kept.append(i)
    return [i for n, i in enumerate(kept) if n == 0 or i - kept[n - 1] > radius]


def track(strength, lag, tightness):
    """Dynamic programming frame by frame, lag by lag: beats and what they score."""
    lags = range(max(1, round(lag / 2)), max(2, round(2 * lag) + 1))
    score, back = [], []
    for t, value in enumerate(strength):
        best, source = 0.0, None
        for step in lags:
            if step <= t:
                gain = score[t - step] - tightness * math.log(step / lag) ** 2
                if gain > best:
                    best, source = gain, t - step
        score.append(value + best)
        back.append(source)
    t = int(np.argmax(score))
    beats = [t]
    while back[t] is not None:
        t = back[t]
        beats.append(t)
    return beats[::-1], max(score)


def follow_score(strength, lags, rigidity, gains):
    """The best score of a chain that spans the recording, by recursion over (frame, lag)."""
    n = len(strength)
    best = {}
    for t in range(n):
        for i, step in enumerate(lags):
            if t - step < 0:
                before = 0.0
            else:
                before = max(
                    best[t - step, j] - rigidity * abs(math.log(other / step))
                    for j, other in enumerate(lags)
                )
            best[t, i] = before + gains[i] + strength[t]
    return max(best[t, i] for t in range(n) for i, step in enumerate(lags) if t + step >= n)


def chain_score(frames, strength, lags, rigidity, gains):
    """What a chain earns, with the best lag into its first beat."""
    steps = np.diff(frames)
    index = [list(lags).index(step) for step in steps]
    total = sum(strength[t] for t in frames) + sum(gains[i] for i in index)
    for a, b in itertools.pairwise(steps):
        total -= rigidity * abs(math.log(b / a))
    first = [i for i, step in enumerate(lags) if frames[0] - step < 0]
    if not len(steps):
        return total + max(gains[i] for i in first)
    return total + max(gains[i] - rigidity * abs(math.log(steps[0] / lags[i])) for i in first)


def number_beats(gains, meters):
    """The best bar length and phase that hold for the whole track, by trying them all."""
    best = None
    for length, prior in meters.items():
        for first in range(1, length + 1):
            numbers = [(first - 1 + i) % length + 1 for i in range(len(gains))]
            score = math.log(prior / length)
            score += sum(g for g, k in zip(gains, numbers, strict=True) if k == 1)
            if best is None or score > best[0] + 1e-12:
                best = (score, numbers)
    return best[1]


def _bar_sequences(n_beats, meters):
    """Every way to lay bars over beats: lists of (first beat, length), the first maybe before 0."""

    def grow(bars):
        first, length = bars[-1]
        if first + length >= n_beats:
            yield bars
        else:
            for following in meters:
                yield from grow([*bars, (first + length, following)])

    for length in meters:
        for first in range(1 - length, 1):
            yield from grow([(first, length)])


def _score_bars(bars, gains, meters, change_cost):
    length = bars[0][1]
    score = math.log(meters[length] / length)
    score += sum(gains[first] for first, _ in bars if first >= 0)
    return score - change_cost * sum(a[1] != b[1] for a, b in itertools.pairwise(bars))


def best_bars(n_beats, gains, meters, change_cost):
    """The best score of any sequence of bars."""
    return max(
        _score_bars(bars, gains, meters, change_cost) for bars in _bar_sequences(n_beats, meters)
    )


def bars_score(numbers, gains, meters, change_cost):
    """The best score of the sequences of bars that number the beats so."""
    numbers, n = list(numbers), len(numbers)
    starts = [i for i, k in enumerate(numbers) if k == 1]
    heads = [0, *starts] if not starts or starts[0] else starts
    options = []
    for i, start in enumerate(heads):
        end = heads[i + 1] if i + 1 < len(heads) else n
        first = start - numbers[start] + 1
        whole = i + 1 < len(heads)
        fits = [m for m in meters if (first + m == end if whole else first + m >= end)]
        options.append([(first, m) for m in fits])
    return max(
        _score_bars(list(bars), gains, meters, change_cost) for bars in itertools.product(*options)
    )


def bar_hmm(bars, intervals, meters, transition_lambda, observation_lambda):
    """Log probability of the likeliest path of the beat-and-bar HMM, state by state."""
    return max(
        _one_bar_hmm(bars, intervals, meter, transition_lambda, observation_lambda)
        for meter in meters
    )


def _one_bar_hmm(bars, intervals, meter, transition_lambda, observation_lambda):
    states = [(b, i, k) for b in range(meter) for i in intervals for k in range(i)]
    change = {}
    for old in intervals:
        weights = {new: math.exp(-transition_lambda * abs(new / old - 1)) for new in intervals}
        weights = {new: w if w > np.spacing(1) else 0.0 for new, w in weights.items()}
        total = sum(weights.values())
        change[old] = {new: math.log(w / total) if w else -math.inf for new, w in weights.items()}
    score = dict.fromkeys(states, -math.log(len(states)))
    for beat, downbeat in bars:
        seen = {
            "none": math.log((1 - beat - downbeat) / (observation_lambda - 1)),
            "beat": math.log(beat),
            "downbeat": math.log(downbeat),
        }
        following = {}
        for b, i, k in states:
            if k:
                before = score[b, i, k - 1]
            else:
                before = max(
                    score[(b - 1) % meter, old, old - 1] + change[old][i] for old in intervals
                )
            kind = "none"
            if (b + k / i) % 1 < 1 / observation_lambda:
                kind = "beat" if b else "downbeat"
            following[b, i, k] = before + seen[kind]
        score = following
    return max(score.values())


def whole_frames(samples, frame_length, hop_length):
    """Frames that lie wholly within the signal, in double precision."""
    starts = range(0, len(samples) - frame_length + 1, hop_length)
    return np.array([samples[i : i + frame_length] for i in starts], dtype=np.float64)


def povey(length):
    """Kaldi's own window."""
    return np.hanning(length) ** 0.85


def kaldi_mel(frequency):
    """Kaldi's mel scale."""
    return 1127.0 * np.log(1.0 + frequency / 700.0)


def kaldi_filterbank(samples, window, n_mels=128, low=20.0, high=8000.0, sample_rate=16000):
    """Kaldi's log filterbank energies: 25 ms, 10 ms, a transform of 512, no dither."""
    width = kaldi_mel(high) - kaldi_mel(low)
    result = []
    for frame in whole_frames(samples, 400, 160):
        frame = frame - frame.mean()
        before = np.append(frame[0], frame[:-1])
        power = np.abs(np.fft.rfft((frame - 0.97 * before) * window, 512)) ** 2
        row = []
        for i in range(n_mels):
            left, center, right = (
                kaldi_mel(low) + (i + step) * width / (n_mels + 1) for step in (0, 1, 2)
            )
            energy = 0.0
            for k in range(256):
                mel = kaldi_mel(k * sample_rate / 512)
                if left < mel < right:
                    side = (mel - left) / (center - left) if mel <= center else None
                    energy += power[k] * (
                        (right - mel) / (right - center) if side is None else side
                    )
            row.append(np.log(max(energy, 2.0**-23)))
        result.append(row)
    return np.array(result)


def shift_tolerant_bce(logits, targets, mask, pos_weight, tolerance):
    """Judge the highest logit near each frame: at events, and far from all events."""
    total = count = 0.0
    for row, target, keep in zip(logits, targets, mask, strict=True):
        events = [i for i, value in enumerate(target) if value == 1]
        for i in range(len(row)):
            highest = max(row[max(0, i - tolerance) : i + tolerance + 1])
            distance = min((abs(i - event) for event in events), default=math.inf)
            if distance == 0:
                total += keep[i] * pos_weight * math.log(1 + math.exp(-highest))
                count += keep[i]
            elif distance > 2 * tolerance:
                total += keep[i] * math.log(1 + math.exp(highest))
                count += keep[i]
    return total / max(count, 1e-6)


def masked_bce(logits, targets, mask, pos_weight):
    """Cross-entropy frame by frame."""
    total = count = 0.0
    for x, y, keep in zip(np.ravel(logits), np.ravel(targets), np.ravel(mask), strict=True):
        p = 1 / (1 + math.exp(-x))
        total -= keep * (pos_weight * y * math.log(p) + (1 - y) * math.log(1 - p))
        count += keep
    return total / max(count, 1e-6)


def expected_calibration_error(confidence, correct, n_bins, bins):
    """The mean gap of bins, one decision and one bin at a time."""
    order = sorted(confidence)
    members = [[] for _ in range(n_bins)]
    for p, right in zip(confidence, correct, strict=True):
        place = order.index(p) / len(order) if bins == "mass" else p
        members[min(int(place * n_bins + 1e-12), n_bins - 1)].append((p, right))
    gaps = [abs(sum(p for p, _ in bin) - sum(r for _, r in bin)) for bin in members]
    return sum(gaps) / len(order)


def fewest_segments(times, index, tolerance, bpms):
    """The least number of runs that one of `bpms` each explains, by trying all runs and tempi."""
    n = len(times)

    def explained(a, b):
        offsets = times[a:b, None] - index[a:b, None] * 60 / bpms
        return np.any(np.ptp(offsets, axis=0) <= 2 * tolerance + 1e-9)

    least = [0]
    for b in range(1, n + 1):
        least.append(min(least[a] + 1 for a in range(b) if explained(a, b)))
    return least[-1]


def log_steps(n_states, stay, switch, t):
    """The whole matrix of log weights from each state to each at step t."""
    matrix = np.tile(np.broadcast_to(np.asarray(switch, float)[t], n_states), (n_states, 1))
    np.fill_diagonal(matrix, stay[t])
    return matrix


def viterbi(scores, stay, switch):
    """The best path and what it scores, by a matrix of all steps from state to state."""
    best, back = scores[0], []
    for t in range(1, len(scores)):
        total = best[:, None] + log_steps(len(best), stay, switch, t)
        back.append(total.argmax(axis=0))
        best = total.max(axis=0) + scores[t]
    path = [int(best.argmax())]
    for sources in reversed(back):
        path.append(int(sources[path[-1]]))
    return path[::-1], best.max()


def path_score(path, scores, stay, switch):
    """What a path scores."""
    total = scores[0, path[0]]
    for t in range(1, len(path)):
        total += log_steps(scores.shape[1], stay, switch, t)[path[t - 1], path[t]]
        total += scores[t, path[t]]
    return total


def posteriors(scores, stay, switch):
    """The probability of each state at each step: the sum over every path through it."""
    n_steps, n_states = scores.shape
    total = np.zeros((n_steps, n_states))
    for path in itertools.product(range(n_states), repeat=n_steps):
        weight = math.exp(path_score(path, scores, stay, switch))
        for t, state in enumerate(path):
            total[t, state] += weight
    return total / total.sum(axis=1, keepdims=True)


def forward_phases(lags, changes, seen, restart, odds):
    """Filter interval and phase with a dense transition matrix; rows are frames."""
    states = [(i, phase) for i, lag in enumerate(lags) for phase in range(lag)]
    moves = np.zeros((len(states), len(states)))
    for row, (i, phase) in enumerate(states):
        for column, (j, after) in enumerate(states):
            if phase + 1 < lags[i]:
                moves[row, column] = i == j and after == phase + 1
            elif after == 0:
                moves[row, column] = changes[i, j]
    is_seen = np.array([phase in [s % lags[i] for s in seen] for i, phase in states])
    weights, rows = np.full(len(states), 1 / len(states)), []
    for each in odds:
        weights = (weights @ moves) * np.where(is_seen, each, 1)
        weights = (1 - restart) * weights / weights.sum() + restart / len(states)
        rows.append(weights)
    return np.array(rows)


def forward_bars(meters, change, gains):
    """Filter the place in the bar with a dense transition matrix; rows are beats."""
    slots = [(length, number) for length in meters for number in range(length)]
    moves = np.zeros((len(slots), len(slots)))
    for row, (length, number) in enumerate(slots):
        for column, (other, after) in enumerate(slots):
            if number + 1 < length:
                moves[row, column] = (other, after) == (length, number + 1)
            elif after == 0:
                moves[row, column] = change * meters[other] + (1 - change) * (other == length)
    weights, rows = np.array([meters[length] / length for length, _ in slots]), []
    for gain in gains:
        weights = (weights @ moves) * np.exp([gain * (number == 0) for _, number in slots])
        weights = weights / weights.sum()
        rows.append(weights)
    return np.array(rows)


def average_precision(scores, targets, costs=None):
    """Mean precision at each positive, all clips of at least its score being called."""
    costs = [1] * len(scores) if costs is None else costs
    clips = list(zip(scores, targets, costs, strict=True))
    found = []
    for score, truth, _ in clips:
        if truth:
            right = sum(1 for s, t, _ in clips if s >= score and t)
            wrong = sum(c for s, t, c in clips if s >= score and not t)
            found.append(right / (right + wrong))
    return sum(found) / len(found) if found else math.nan


def roc_auc(scores, targets):
    """Share of the pairs of a positive and a negative that stand right; a tie is half right."""
    clips = list(zip(scores, targets, strict=True))
    pairs = [(p, n) for p, yes in clips if yes for n, no in clips if not no]
    won = sum(1.0 if p > n else 0.5 if p == n else 0.0 for p, n in pairs)
    return won / len(pairs) if pairs else math.nan


def graph_distances(children, names):
    """Steps between sounds, by letting every sound ask its neighbors until none comes nearer."""
    edges = [(above, below) for above, kinds in children.items() for below in kinds]
    rows = []
    for name in names:
        steps = dict.fromkeys(children, math.inf) | {name: 0}
        nearer = True
        while nearer:
            nearer = False
            for pair in edges:
                for near, far in (pair, pair[::-1]):
                    if steps[near] + 1 < steps[far]:
                        steps[far] = steps[near] + 1
                        nearer = True
        rows.append([steps[other] for other in names])
    return np.array(rows, float)


def ontology_average_precision(scores, targets, distances, level):
    """Average precision by class where a false positive costs its distance beyond a level."""
    n = len(distances)
    pairs = [distances[i][j] for i in range(n) for j in range(n) if i != j]
    unit = sum(d for d in pairs if d > level) / len(pairs)
    found = []
    for j in range(n):
        costs = []
        for truth in targets:
            away = [distances[i][j] for i in range(n) if truth[i]]
            step = min(away) if away else max(pairs)
            costs.append(step / unit if step > level else 0.0)
        found.append(average_precision(scores[:, j], targets[:, j], costs))
    return found


def beats_encoder(x, tensors, n_heads, n_buckets, max_distance, deep=True, first=False):
    """BEATs' encoder, token by token and head by head, of one clip ``(n_tokens, dim)``.

    `tensors` are named as its authors name them, in arrays; `deep` and `first` are ``deep_norm``
    and ``layer_norm_first``. Without a table there is no bias, without a gate it counts as it is.
    """
    depth = len({name.split(".")[2] for name in tensors if name.startswith("encoder.layers.")})
    part = {name.removeprefix("encoder."): np.asarray(w, float) for name, w in tensors.items()}
    x = x + _gelu(_placed(x, part))
    x = x if first else _layer_norm(x, part, "layer_norm")
    table = part.get("layers.0.self_attn.relative_attention_bias.weight")
    louder = (2 * depth) ** 0.25 if deep else 1.0
    for i in range(depth):
        layer = {n.removeprefix(f"layers.{i}."): w for n, w in part.items()}
        given = _layer_norm(x, layer, "self_attn_layer_norm") if first else x
        x = louder * x + _gated_attention(given, layer, n_heads, table, max_distance)
        x = x if first else _layer_norm(x, layer, "self_attn_layer_norm")
        given = _layer_norm(x, layer, "final_layer_norm") if first else x
        x = louder * x + _linear(_gelu(_linear(given, layer, "fc1")), layer, "fc2")
        x = x if first else _layer_norm(x, layer, "final_layer_norm")
    assert table is None or len(table) == n_buckets
    return _layer_norm(x, part, "layer_norm") if first else x


def _placed(x, part):
    gain, shape = part["pos_conv.0.weight_g"], part["pos_conv.0.weight_v"]
    n_out, n_group, width = shape.shape
    y = np.tile(part["pos_conv.0.bias"], (len(x), 1))
    for tap in range(width):
        taps = gain[0, 0, tap] * shape[:, :, tap] / np.sqrt((shape[:, :, tap] ** 2).sum())
        for t in range(len(x)):
            source = t + tap - width // 2
            if 0 <= source < len(x):
                for out in range(n_out):
                    group = out // (n_out * n_group // x.shape[1])
                    y[t, out] += taps[out] @ x[source, group * n_group : (group + 1) * n_group]
    return y


def _gated_attention(x, layer, n_heads, table, max_distance):
    query, key, value = (_linear(x, layer, f"self_attn.{name}_proj") for name in "qkv")
    n, size = len(x), x.shape[1] // n_heads
    heads = []
    for head in range(n_heads):
        q, k, v = (each[:, head * size : (head + 1) * size] for each in (query, key, value))
        rows = []
        for i in range(n):
            gate = _gate(q[i], layer, head) if "self_attn.grep_a" in layer else 1.0
            scores = [q[i] @ k[j] / math.sqrt(size) for j in range(n)]
            if table is not None:
                rows_of = [distance_bucket(j - i, len(table), max_distance) for j in range(n)]
                scores = [
                    s + gate * table[row, head] for s, row in zip(scores, rows_of, strict=True)
                ]
            weights = np.exp(np.array(scores) - max(scores))
            rows.append(weights @ v / weights.sum())
        heads.append(np.array(rows))
    return _linear(np.concatenate(heads, axis=1), layer, "self_attn.out_proj")


def _gate(query, layer, head):
    outputs = _linear(query, layer, "self_attn.grep_linear")
    update, reset = (1 / (1 + np.exp(-half.sum())) for half in (outputs[:4], outputs[4:]))
    return update * (reset * layer["self_attn.grep_a"][0, head, 0, 0] - 1) + 2


def distance_bucket(distance, n_buckets, max_distance):
    """The row of a table of biases: T5's rule, one distance at a time."""
    side = n_buckets // 2
    exact = side // 2
    first = side if distance > 0 else 0
    distance = abs(distance)
    if distance < exact:
        return first + distance
    octave = math.log(distance / exact) / math.log(max_distance / exact)
    return first + min(side - 1, exact + int(octave * (side - exact)))


def _linear(x, part, name):
    return x @ part[f"{name}.weight"].T + part[f"{name}.bias"]


def _layer_norm(x, part, name):
    centered = x - x.mean(-1, keepdims=True)
    scaled = centered / np.sqrt((centered**2).mean(-1, keepdims=True) + 1e-5)
    return scaled * part[f"{name}.weight"] + part[f"{name}.bias"]


def _gelu(x):
    return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2
