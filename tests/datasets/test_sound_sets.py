import json
from collections import Counter
from pathlib import Path

import pytest

from mirkit.datasets.audioset_names import AUDIOSET_NAMES, fsd50k_name
from mirkit.datasets.sound_readers import audioset_strong
from mirkit.datasets.sound_sets import SOUND_SETS, index_table, read_set
from mirkit.datasets.sounds import leaks
from mirkit.errors import FormatError, ParameterError, UnknownName

ESC50 = """filename,fold,target,category,esc10,src_file,take
1-100032-A-0.wav,1,0,dog,True,100032,A
2-104168-A-8.wav,2,8,sheep,False,104168,A
5-9032-A-0.wav,5,0,dog,True,9032,A
1-12653-A-15.wav,1,15,water_drops,False,12653,A
3-1-A-34.wav,3,34,can_opening,False,1,A
"""
URBAN = """slice_file_name,fsID,start,end,salience,fold,classID,class
100032-3-0-0.wav,100032,0.0,0.317551,1,5,3,dog_bark
100263-2-0-117.wav,100263,58.5,62.5,1,5,2,children_playing
9031-3-1-0.wav,9031,0.3,4.3,1,10,3,dog_bark
4-9-0-0.wav,4,0,4,2,1,9,street_music
"""
SEGMENTS = """# Segments csv created Sun Mar  5 10:54:31 2017
# num_ytids=2, num_segs=2, num_unique_labels=3, num_positive_labels=3
# YTID, start_seconds, end_seconds, positive_labels
--4gqARaEJE, 0.000, 10.000, "/m/068hy,/m/07q6cd_,/m/0bt9lr"
-0RWZT-miFs, 420.000, 430.000, "/m/0k4j"
"""
NAMES = """index,mid,display_name
72,/m/068hy,"Domestic animals, pets"
1,/m/07q6cd_,Squeak
74,/m/0bt9lr,"Dog"
307,/m/0k4j,"Car"
"""
STRONG = """segment_id\tstart_time_seconds\tend_time_seconds\tlabel
s9d-2nhuJCQ_30000\t2.627\t7.237\t/m/053hz1
s9d-2nhuJCQ_30000\t0.0\t1.0\t/m/0k4j
b0RFKhbpFJA_30000\t0.0\t10.0\t/m/0k4j
"""
FSD_DEV = """fname,labels,mids,split
64760,"Electric_guitar,Guitar,Musical_instrument","/m/02sgy,/m/0342h,/m/04szw",train
16399,Dishes_and_pots_and_pans,/m/04brg2,val
"""
FSD_EVAL = """fname,labels,mids
37199,"Chirp_and_tweet,Bird","/m/07pggtn,/m/015p6"
"""
MAGNA = """"clip_id"\t"guitar"\t"no vocals"\t"flute"\t"mp3_path"
"2"\t"1"\t"0"\t"0"\t"0/american_bach_soloists-01-tr-59-88.mp3"
"6"\t"1"\t"1"\t"0"\t"0/american_bach_soloists-01-tr-88-117.mp3"
"10"\t"0"\t"1"\t"0"\t"c/some_one-album-02-song-0-29.mp3"
"11"\t"1"\t"0"\t"1"\t"f/some_other-album-03-song-0-29.mp3"
"""
JAMENDO = """TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS
track_0000214\tartist_000014\talbum_000031\t14/214.mp3\t124.6\tgenre---punkrock
track_0000215\tartist_000014\talbum_000031\t15/215.mp3\t151.4\tgenre---metal\tinstrument---bass
"""


def write(root, files):
    """Write files under a folder, and return it."""
    for place, text in files.items():
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def test_esc50_has_its_folds_and_recordings_together(tmp_path):
    write(tmp_path, {"meta/esc50.csv": ESC50})
    sounds = read_set("esc50", tmp_path)
    assert [sound.fold for sound in sounds] == [1, 2, 5, 1, 3]
    assert sounds[0].path == tmp_path / "audio" / "1-100032-A-0.wav"
    assert (sounds[0].labels, sounds[0].group) == (("Dog",), "100032")
    assert sounds[3].labels == ("Drip",)
    assert sounds[4].labels == ("can_opening",)
    assert read_set("esc50", tmp_path, names="own")[3].labels == ("water_drops",)
    assert {sound.licence for sound in sounds} == {"CC BY-NC 3.0"}


def test_esc10_is_a_part_of_esc50(tmp_path):
    write(tmp_path, {"meta/esc50.csv": ESC50})
    assert [sound.path.name for sound in read_set("esc10", tmp_path)] == [
        "1-100032-A-0.wav", "5-9032-A-0.wav",
    ]  # fmt: skip


def test_esc10_on_its_own_is_read_whole(data_dir):
    sounds = read_set("esc10", data_dir / "esc10")
    assert len(sounds) == 400
    assert set(Counter(sound.fold for sound in sounds).values()) == {80}
    assert set(Counter(sound.labels for sound in sounds).values()) == {40}
    assert len({sound.group for sound in sounds}) == 304
    assert leaks(sounds) == []
    assert all(sound.path.is_file() for sound in sounds)
    assert Counter(sound.licence for sound in sounds).most_common(1) == [("CC0", 233)]
    assert {sound.labels[0] for sound in sounds} >= {"Dog", "Rain", "Crackle"}


def test_urbansound_keeps_its_ten_folds(tmp_path):
    write(tmp_path, {"metadata/UrbanSound8K.csv": URBAN})
    sounds = read_set("urbansound8k", tmp_path)
    assert [sound.fold for sound in sounds] == [5, 5, 10, 1]
    assert sounds[0].path == tmp_path / "audio" / "fold5" / "100032-3-0-0.wav"
    assert [sound.labels[0] for sound in sounds] == [
        "Bark", "Children playing", "Bark", "street_music",
    ]  # fmt: skip
    assert sounds[0].group == "100032"


@pytest.fixture
def audioset(tmp_path):
    return write(tmp_path, {
        "balanced_train_segments.csv": SEGMENTS,
        "eval_segments.csv": SEGMENTS.replace("--4gq", "--5gq").replace("-0RW", "-1RW"),
        "class_labels_indices.csv": NAMES,
        "audioset_eval_strong.tsv": STRONG,
        "mid_to_display_name.tsv": "/m/053hz1\tCheering\n/m/0k4j\tCar\n",
    })  # fmt: skip


def test_audioset_has_names_for_its_identifiers_and_videos_for_groups(audioset):
    sounds = read_set("audioset", audioset)
    assert [sound.split for sound in sounds] == ["balanced", "balanced", "eval", "eval"]
    assert sounds[0].labels == ("Domestic animals, pets", "Squeak", "Dog")
    assert sounds[1].group == "-0RWZT-miFs"
    (one, *_) = read_set(
        "audioset", audioset, splits=("eval",), pattern="{split}/Y{ytid}_{start}_{end}.flac"
    )
    assert one.path == audioset / "eval" / "Y--5gqARaEJE_0_10000.flac"


def test_a_label_without_a_name_is_refused(audioset):
    write(audioset, {"class_labels_indices.csv": NAMES.replace("/m/0k4j", "/m/other")})
    with pytest.raises(FormatError, match="/m/0k4j"):
        read_set("audioset", audioset)


def test_segments_without_quotes_are_refused(audioset):
    write(audioset, {"eval_segments.csv": SEGMENTS.replace('"', "")})
    with pytest.raises(FormatError, match="labels in quotes"):
        read_set("audioset", audioset)


def test_strong_labels_are_events_in_order_of_time(audioset):
    events = audioset_strong(audioset)
    assert list(events) == ["s9d-2nhuJCQ_30000", "b0RFKhbpFJA_30000"]
    first = events["s9d-2nhuJCQ_30000"]
    assert first.labels == ("Car", "Cheering")
    assert first.intervals.tolist() == [[0.0, 1.0], [2.627, 7.237]]


def test_fsd50k_has_three_splits_uploaders_and_licences(tmp_path):
    write(tmp_path, {
        "FSD50K.ground_truth/dev.csv": FSD_DEV, "FSD50K.ground_truth/eval.csv": FSD_EVAL,
        "FSD50K.metadata/dev_clips_info_FSD50K.json": json.dumps(
            {"64760": {"uploader": "jimi", "license": "http://creativecommons.org/by/3.0/"}}
        ),
    })  # fmt: skip
    sounds = read_set("fsd50k", tmp_path)
    assert [sound.split for sound in sounds] == ["train", "val", "test"]
    assert [sound.group for sound in sounds] == ["jimi", "16399", "37199"]
    assert sounds[0].licence.endswith("by/3.0/")
    assert sounds[1].labels == ("Dishes, pots, and pans",)
    assert sounds[2].labels == ("Chirp, tweet", "Bird")
    assert sounds[2].path == tmp_path / "FSD50K.eval_audio" / "37199.wav"


def test_magnatagatune_has_two_splits_and_its_most_frequent_tags(tmp_path):
    write(tmp_path, {"annotations_final.csv": MAGNA})
    sounds = read_set("magnatagatune", tmp_path, n_tags=2)
    assert [sound.split for sound in sounds] == ["train", "train", "val", "test"]
    assert [sound.labels for sound in sounds] == [
        ("Guitar",), ("Guitar", "no vocals"), ("no vocals",), ("Guitar",),
    ]  # fmt: skip
    assert sounds[0].group == sounds[1].group == "0/american_bach_soloists-01-tr"
    lists = {"train": "2\t[1, 0]\n", "val": "11\t[0, 1]\n", "test": "10\t[0, 1]\n"}
    write(tmp_path, {f"{part}_gt_mtt.tsv": text for part, text in lists.items()})
    write(tmp_path, {"clip_info_final.csv": "clip_id\tartist\n2\tBach\n10\t\n11\tOther\n"})
    sounds = read_set("magnatagatune", tmp_path, split="musicnn", n_tags=None)
    assert [(sound.split, sound.group) for sound in sounds] == [
        ("train", "Bach"), ("test", "c/some_one-album-02-song"), ("val", "Other"),
    ]  # fmt: skip
    assert sounds[2].labels == ("Guitar", "Flute")


def test_jamendo_has_artists_checksums_and_as_many_tags_as_a_line_holds(tmp_path):
    for part in ("train", "validation", "test"):
        write(tmp_path, {f"data/splits/split-2/autotagging_genre-{part}.tsv": JAMENDO})
    sums = {"data/download/raw_30s_audio_sha256_tracks.txt": f"{'ab' * 32} 14/214.mp3\n"}
    write(tmp_path, sums)
    sounds = read_set("mtg-jamendo", tmp_path, subset="autotagging_genre", split=2)
    assert [sound.split for sound in sounds] == ["train"] * 2 + ["val"] * 2 + ["test"] * 2
    assert sounds[0].checksum == "sha256:" + "ab" * 32
    assert sounds[1].checksum is None
    assert sounds[1].labels == ("Heavy metal", "instrument---bass")
    assert sounds[1].path == tmp_path / "audio" / "15" / "215.mp3"
    assert leaks(sounds) == ["artist_000014"]
    with pytest.raises(ParameterError, match="five ways"):
        read_set("mtg-jamendo", tmp_path, split=5)


@pytest.mark.parametrize(("folder", "suffix"), [("genres", ".wav"), ("genres_original", ".au")])
def test_gtzan_is_filtered_or_in_ten_folds(tmp_path, folder, suffix):
    write(tmp_path, {f"{folder}/blues/blues.00000{suffix}": ""})
    for part in ("train", "valid", "test"):
        write(tmp_path, {f"{part}_filtered.txt": f"rock/rock.00038.wav\njazz/{part}.wav\n"})
    sounds = read_set("gtzan", tmp_path)
    assert [sound.split for sound in sounds] == ["train"] * 2 + ["val"] * 2 + ["test"] * 2
    assert sounds[0].path == tmp_path / folder / "rock" / f"rock.00038{suffix}"
    assert sounds[0].labels == ("Rock music",)
    sounds = read_set("gtzan", tmp_path, split="folds")
    assert Counter(sound.fold for sound in sounds) == dict.fromkeys(range(1, 11), 100)
    assert set(Counter((s.fold, s.labels) for s in sounds).values()) == {10}


def test_the_wrong_folder_is_guessed(tmp_path):
    root = write(tmp_path / "ESC-50-master", {"meta/esc50.csv": ESC50})
    with pytest.raises(ParameterError, match=r"lies in .*ESC-50-master: give that"):
        read_set("esc50", tmp_path)
    with pytest.raises(ParameterError, match="further up"):
        read_set("esc50", root / "meta")
    with pytest.raises(ParameterError, match="is no folder"):
        read_set("esc50", tmp_path / "none")
    with pytest.raises(ParameterError, match="Were only the recordings"):
        read_set("urbansound8k", tmp_path)
    with pytest.raises(ParameterError, match=r"no genres/blues/blues\.00000\.wav"):
        read_set("gtzan", tmp_path)


def test_a_table_of_something_else_is_told(tmp_path):
    write(tmp_path, {"meta/esc50.csv": ESC50.replace(",", ";")})
    with pytest.raises(FormatError, match="lacks the columns filename"):
        read_set("esc50", tmp_path)
    write(tmp_path, {"meta/esc50.csv": ESC50 + "1-1-A-0.wav,1,0\n"})
    with pytest.raises(FormatError, match="line 7 is cut short"):
        read_set("esc50", tmp_path)
    write(tmp_path, {"meta/esc50.csv": ESC50.replace(",5,0,dog", ",five,0,dog")})
    with pytest.raises(FormatError, match="fold is 'five'"):
        read_set("esc50", tmp_path)
    write(tmp_path, {"meta/esc50.csv": ESC50.splitlines()[0] + "\n"})
    with pytest.raises(FormatError, match="name no recording"):
        read_set("esc50", tmp_path)


def test_an_unknown_set_split_or_setting_is_told(tmp_path):
    with pytest.raises(UnknownName, match="'esc50'"):
        read_set("esc5", tmp_path)
    with pytest.raises(ParameterError, match="no setting split; it has none"):
        read_set("esc50", tmp_path, split=3)
    with pytest.raises(UnknownName, match="folders"):
        read_set("magnatagatune", tmp_path, split="12:1:3")
    with pytest.raises(ParameterError, match="names is 'mids'"):
        read_set("esc50", tmp_path, names="mids")


def test_names_are_those_of_audioset_and_merge_nothing(data_dir):
    table = (data_dir / "ontology" / "ontology.json").read_text(encoding="utf-8")
    known = {entry["name"] for entry in json.loads(table)}
    for name, mapped in AUDIOSET_NAMES.items():
        assert set(mapped.values()) <= known, name
        if name != "esc10":  # it has its names in two spellings
            assert len(set(mapped.values())) == len(mapped)
    assert fsd50k_name("Livestock_and_farm_animals_and_working_animals") in known


def test_the_index_is_that_of_the_code():
    path = Path(__file__).parents[2] / "data" / "manifests" / "sound_sets.csv"
    assert path.read_text(encoding="utf-8") == index_table()
    assert len(SOUND_SETS) == 8
