// The types that a dashboard's JSON is judged by. Each exported interface becomes a JSON Schema: generate.mjs.
import type { AnnotationQuery, Dashboard, DataQuery } from '@grafana/schema';
import type * as v2 from '@grafana/schema/apis/dashboard.grafana.app/v2';
import type * as v2beta1 from '@grafana/schema/apis/dashboard.grafana.app/v2beta1';
import type * as barchart from '@grafana/schema/dist/esm/raw/composable/barchart/panelcfg/x/BarChartPanelCfg_types.gen';
import type * as bargauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as dashlist from '@grafana/schema/dist/esm/raw/composable/dashboardlist/panelcfg/x/DashboardListPanelCfg_types.gen';
import type * as gauge from '@grafana/schema/dist/esm/raw/composable/gauge/panelcfg/x/GaugePanelCfg_types.gen';
import type * as heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as histogram from '@grafana/schema/dist/esm/raw/composable/histogram/panelcfg/x/HistogramPanelCfg_types.gen';
import type * as logs from '@grafana/schema/dist/esm/raw/composable/logs/panelcfg/x/LogsPanelCfg_types.gen';
import type * as piechart from '@grafana/schema/dist/esm/raw/composable/piechart/panelcfg/x/PieChartPanelCfg_types.gen';
import type * as stateTimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as text from '@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// A query's own fields belong to its plugin; the package has no types for Prometheus.
interface PrometheusQuery extends DataQuery {
  expr: string;
  interval?: string;
}

// Grafana lets plugins keep settings on the annotation itself; these four are what the Prometheus plugin reads there.
interface PrometheusAnnotation extends AnnotationQuery<PrometheusQuery> {
  tagKeys?: string;
  textFormat?: string;
  titleFormat?: string;
  useValueForTime?: boolean;
}

interface PrometheusDashboard extends Omit<Dashboard, 'annotations'> {
  annotations?: { list?: PrometheusAnnotation[] };
}

type None = Record<string, never>;

export interface Classic { dashboard: PrometheusDashboard }
export interface V2beta1 { spec: v2beta1.Spec }
export interface V2 { spec: v2.Spec }

// One for each panel plugin, called by its id: state-timeline is StateTimeline.
export interface Barchart { options: barchart.Options; custom: barchart.FieldConfig }
export interface Bargauge { options: bargauge.Options; custom: None }
export interface Dashlist { options: dashlist.Options; custom: None }
export interface Gauge { options: gauge.Options; custom: None }
export interface Heatmap { options: heatmap.Options; custom: heatmap.FieldConfig }
export interface Histogram { options: histogram.Options; custom: histogram.FieldConfig }
export interface Logs { options: logs.Options; custom: None }
export interface Piechart { options: piechart.Options; custom: piechart.FieldConfig }
export interface StateTimeline { options: stateTimeline.Options; custom: stateTimeline.FieldConfig }
export interface Stat { options: stat.Options; custom: None }
export interface Table { options: table.Options; custom: table.FieldConfig }
export interface Text { options: text.Options; custom: None }
export interface Timeseries { options: timeseries.Options; custom: timeseries.FieldConfig }
