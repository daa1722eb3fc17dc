# %% [markdown]
# # A planner's day 规划员的一天
#
# Everything that a planner asks of the map, in Python: what lies where, what changed, what a plan must not touch,
# who is far from a shelter, where the next one belongs, who looks after which grids, and what if. The script runs from
# top to bottom (`python docs/examples/a_planners_day.py`) and cell by cell in an editor that knows `# %%`. Two
# variables say on what: `EXAMPLE_WORKSPACE`, a folder, and `EXAMPLE_SIZE`, `village`, `district` or `city`.

# %%
import os
import tempfile
from pathlib import Path

from gridgov import planning

folder = Path(os.environ.get("EXAMPLE_WORKSPACE", "data/village"))
if not (folder / "workspace.json").exists():
    planning.import_sample(folder, size=os.environ.get("EXAMPLE_SIZE", "village"))
workspace = planning.open_workspace(folder)
me = planning.planner()  # a script has no account; on a server, rights come from the account
grids, roads = workspace.layer("grids"), workspace.layer("roads")
print(f"{grids['persons'].sum():,} people in {len(grids):,} grids, {len(roads):,} roads, {workspace.now():%Y-%m-%d}")

# %% [markdown]
# ## What there is
#
# The catalogue holds every layer with its source, date, rows and what the checks found. See
# [the catalogue](catalogue.md).

# %%
records = planning.list_layers(workspace, me)
for record in planning.list_layers(workspace, me, group="natural_resources"):
    print(f"{record.layer_id:10} {record.entry.rows:5} rows, of {record.entry.date}, {record.entry.licence}")
errors = sum(dict(record.findings)["error"] for record in records)
versions = planning.layer_versions(workspace, me, "land_cover")
print(f"{len(records)} layers, {errors} errors; land cover of {' and '.join(each.entry.date for each in versions)}")
assert {"grids", "roads", "land", "farmland", "elevation"} <= {record.layer_id for record in records}

# %% [markdown]
# ## What lies in what
#
# Grids over parcels of land: the parts and what is left over sum to the whole, and the answer proves it. See
# [analyses](analysis.md).

# %%
answer = planning.overlay_layers(workspace, me, planning.LayerUse("grids"), planning.LayerUse("land"))
shares = planning.class_areas(answer).set_index("right_class")["share"]
print(", ".join(f"{name or 'no parcel'} {share:.1%}" for name, share in shares.head(4).items()))
print(f"parts + rest differ from the whole by {answer.balance.error_share:.4%}")
for finding in answer.findings:
    print(finding.message("en"))
assert answer.balance.error_share <= 0.001

# %%
heights = planning.zonal_statistics(workspace, me, "elevation", quantiles=(0.9,)).table.set_index("id")
highest = heights["mean"].idxmax()
mean, high = heights["mean"][highest], heights["q90"][highest]
print(f"highest grid: {highest}, {mean:.1f} m on average, a tenth of it above {high:.1f} m")
assert (heights["min"] <= heights["mean"]).all()
assert (heights["mean"] <= heights["max"]).all()

# %% [markdown]
# ## What changed, and what must not

# %%
change = planning.land_cover_change(workspace, me, "land_cover@2020", "land_cover@2025")
names = workspace.spec("land_cover").class_names
for row in change.changes.head(3).itertuples():
    old, new = (names[str(code)]["en"] for code in (row.from_code, row.to_code))
    print(f"{old} → {new}: {row.area_ha:.1f} ha, {row.share:.1%} of what was there")
assert abs(change.matrix.to_numpy().sum() - change.compared_ha) < 1e-3 * change.compared_ha

# %%
red_lines = [planning.LayerUse("farmland"), planning.LayerUse("protection_lines")]
conflicts = planning.red_line_conflicts(workspace, me, planning.LayerUse("plan"), red_lines)
for row in conflicts.by_class.to_dict("records"):
    print(f"{row['size'] / 1e4:5.1f} ha of the planned projects lie {row['side']} {row['layer']} {row['class']}")
print(f"free of conflicts: {conflicts.free_size / conflicts.plan_size:.0%} of what is planned")
assert conflicts.has_conflicts

# %% [markdown]
# ## Where something fits best
#
# Far from the shelters, many people, low, and not on water. The table shows what each criterion contributes, and the
# sensitivity how much of the ranking is owed to the weights.

# %%
Measure, Criterion, LayerUse = planning.Measure, planning.Criterion, planning.LayerUse
fitting = planning.SuitabilityQuery(
    criteria=(
        (Measure(what="distance_m", layer=LayerUse("shelters")), Criterion("far", weight=2)),
        (Measure(what="field", column="persons"), Criterion("people", weight=1)),
        (Measure(what="raster", layer=LayerUse("elevation")), Criterion("low", weight=1, direction="less")),
    ),
    constraints=(planning.Constraint(measure=Measure(what="share", layer=LayerUse("water")), at_most=0.0),),
    k=5,
    seed=1,
)
answer = planning.suitability(workspace, me, fitting)
for row in answer.table.head(3).itertuples():
    print(f"{row.rank}. {row.id}: {row.score:.3f} = far {row.far:.3f} + people {row.people:.3f} + low {row.low:.3f}")
firm = answer.sensitivity
print(f"with other weights: the first stays first in {firm.same_first:.0%}, the first five stay in {firm.same_top:.0%}")
assert abs(answer.table.iloc[0][["far", "people", "low"]].sum() - answer.table.iloc[0]["score"]) < 1e-9

# %% [markdown]
# ## Who is far from a shelter
#
# On foot, old people first. See [access and siting](siting.md).

# %%
on_foot = planning.AccessQuery(of="shelters", mode=planning.TravelMode.WALK, minutes=15, group="elderly_persons")
access = planning.facility_access(workspace, me, on_foot)
for group in ("persons", "elderly_persons"):
    figures = access.figures[group]
    print(f"{group}: {figures.share_within:.1%} within 15 min, nine tenths within {figures.p90_s / 60:.1f} min")
worst = access.underserved.sort_values("minutes", ascending=False)
farthest = worst.iloc[0]
print(f"{len(worst)} under-served grids; the farthest is {farthest['grid_code']}: {farthest['minutes']:.1f} min")
assert (worst["minutes"] > 15).all()

# %% [markdown]
# ## Where the next shelters belong
#
# The best three sites beside those that are there: p-median shortens everybody's way, covering brings most people
# within 15 minutes. Every answer says whether it is proven best.

# %%
walk, models = planning.TravelMode.WALK, planning.SitingModel
for model in (models.P_MEDIAN, models.MAX_COVERING):
    query = planning.SitingQuery(of="shelters", model=model, k=3, mode=walk, minutes=15, avoid=("water",))
    proposal = planning.propose_sites(workspace, me, query)
    before, after, plan = proposal.before, proposal.after, proposal.plan
    print(f"{model}: {', '.join(plan.opened)} ({plan.status}, gap {plan.gap:.1%})")
    print(f"  mean way {before.mean_s / 60:.1f} → {after.mean_s / 60:.1f} min")
    print(f"  within 15 min {before.share_within:.1%} → {after.share_within:.1%}")
    assert plan.solved
    assert after.mean_s <= before.mean_s
    assert after.persons_within >= before.persons_within
site = proposal.sites.set_index("site_id").loc[proposal.plan.opened[0]]

# %% [markdown]
# ## Who looks after which grids
#
# Duty areas cut anew so that every worker has a like amount of work. No community is worse than before, and the bound
# says what could be reached at best. See [redesign](redesign.md).

# %%
fair = planning.RedesignQuery(params=planning.RedesignParams(time_limit_s=0.2), seed=1)  # 10 s unless said
duty = planning.redesign_duty(workspace, me, fair)
cut = duty.answer
print(f"objective {cut.objective_before:.3f} → {cut.objective_after:.3f}, not below {cut.lower_bound:.3f}")
moved = duty.frame[duty.frame["changed"]]
print(f"{len(moved)} of {len(grids)} grids change hands, such as:")
print(moved[["grid_code", "before", "after"]].head(3).to_string(index=False))
month = planning.compare_months(workspace, me, duty, shifts=False)
print(f"hours with the wrong worker in a month: {month.before.uneven:.0%} → {month.after.uneven:.0%}")
assert (duty.communities["after"] <= duty.communities["before"]).all()
assert cut.lower_bound <= cut.objective_after

# %% [markdown]
# Grids with too few households are joined, those with too many are cut; what is few and many is taken from the district
# here, a city has it in its rules. The table old → new keeps history comparable.

# %%
few, many = grids["households"].astype(float).quantile([0.2, 0.9]).astype(int)
limits = planning.GridLimits(least_households=few, most_households=many)
redrawn = planning.redraw_grids(workspace, me, limits=limits).redraw
changed = redrawn.table[redrawn.table["change"] != "same"].drop_duplicates("change")
print(changed.to_string(index=False))
counts = workspace.layer("incidents")["grid_code"].value_counts()
restated = planning.restate(counts, redrawn.table)
print(f"below {few} and above {many} households: {redrawn.merged} joined, {redrawn.cut} cut, now {len(redrawn.frame)}")
print(f"{counts.sum()} incidents under old codes, {restated.sum():.0f} under new ones")
assert abs(restated.sum() - counts.sum()) < 1e-6
assert set(restated.index) <= set(redrawn.frame["grid_code"])

# %% [markdown]
# ## Where incidents gather
#
# Of the grids that are called hot, at most one in twenty is so by chance; where nothing is, the answer says so. Patrols
# are tested on days that their plan has not seen, beside simpler plans. See [hot spots](hotspots.md).

# %%
spots = planning.find_hotspots(workspace, me)
hot = spots.frame["hot"].sum()
print(f"{spots.incidents} incidents in {spots.days} days: {hot} hot grids, {len(spots.clusters)} clusters")
patrols = planning.propose_patrols(workspace, me)
test = patrols.test
print(f"patrols of 200 h a week meet {test.hits} of {test.incidents} incidents of {patrols.held_out_days} unseen days:")
print(f"{test.hit_rate:.1%}; spread evenly {test.uniform_rate:.1%}, by plain counting {test.counting_rate:.1%}")
assert (spots.frame["q_value"] >= spots.frame["p_value"]).all()
assert test.hits <= test.incidents

# %% [markdown]
# ## What if: a new shelter, a closed bridge
#
# Roads laid over water give the bridges; many scenarios, run in one go, tell which of the longest is missed most. A
# scenario is written in the words of its file. See [what if](what-if.md).

# %%
bridges = planning.overlay_layers(workspace, me, LayerUse("roads"), LayerUse("water"), geometry=True).pairs
longest = bridges.nlargest(4, "size")
gaps = longest.geometry.interpolate(0.5, normalized=True).buffer(20).to_crs("EPSG:4326")
asked = {"near": ["shelters", "fire_station", "workers"], "minutes": 3, "resources": ["farmland", "forest"]}
tried = []
for edge, gap in zip(longest["left_id"], gaps, strict=True):
    closed = {"kind": "close_roads", "geometry": gap.__geo_interface__, "reason": f"bridge {edge}"}
    tried.append({"name": f"without bridge {edge}", "change": [closed], "question": asked})
runs = planning.run_scenarios(workspace, me, [planning.scenario_of(workspace, me, words) for words in tried])
late = [run.value("persons_beyond", "fire_station") for run in runs]
for words, people in zip(tried, late, strict=True):
    print(f"{words['name']}: {people:,.0f} people wait more than 3 minutes for the fire station")
missed = tried[late.index(max(late))]

# %% [markdown]
# A new shelter at the first of the covering sites, while that bridge is closed, beside what is:

# %%
at = site.geometry
shelter = {"kind": "add_place", "layer": "shelters", "id": "new-1", "lon": at.x, "lat": at.y}
shelter["attributes"] = {"name": "新避难场所", "capacity_persons": 500}
words = {"name": "new shelter, closed bridge", "seed": 1, "change": [shelter, *missed["change"]], "question": asked}
scenario = planning.scenario_of(workspace, me, words)
base = planning.unchanged(scenario, "as it is")
found = planning.compare_scenarios(workspace, me, base, scenario)
for each in found.differences:
    if each.verdict != "same":
        print(f"{each.code} {each.subject}: {each.first:.4g} → {each.second:.4g} {each.unit}, {each.verdict}")
nearer, later = (found.by_grid["shelters_s_change"] < 0).sum(), (found.by_grid["fire_station_s_change"] > 0).sum()
print(f"{nearer} grids are nearer to a shelter, {later} farther from the fire station")
assert nearer > 0
assert later > 0

# %% [markdown]
# The same scenario gives the same digest on every day. What came out can be taken away.

# %%
again = planning.run_scenario(workspace, me, planning.scenario_of(workspace, me, words))
print("run again, the digest is the same:", again.digest == found.second.digest)
assert again.digest == found.second.digest != found.first.digest
out = Path(os.environ.get("EXAMPLE_OUT") or tempfile.mkdtemp(prefix="planners-day-"))
for ending in ("gpkg", "csv", "html"):
    file = out / f"new-shelter.{ending}"
    file.write_bytes(planning.comparison_file(workspace, me, found, ending, "zh"))
    print("written:", file.name)
    assert file.stat().st_size > 500

# %% [markdown]
# ## The same on two processes
#
# Batches run on Dask: processes of this machine, or a cluster by its address. Not one number changes. See
# [scaling](scaling.md).

# %%
with planning.open_cluster(planning.Machines(workers=2)) as cluster:
    run = planning.BatchRun(on=cluster, piece=-(-len(grids) // 4))
    runs = planning.run_scenarios(workspace, me, [base, scenario], run=run)
    (walked,) = planning.access_in_batches(workspace, me, [on_foot], run=run)
apart = planning.compare_runs(*runs)
print("two workers, the same digest:", apart.digest == found.digest)
print("two workers, the same minutes:", walked.grids["minutes"].equals(access.grids["minutes"]))
assert apart.digest == found.digest
assert walked.figures == access.figures
