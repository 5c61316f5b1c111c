"""Draws dashboards from a Prometheus without Grafana: as one picture, or as one HTML page that shows values on hover.

`prometheus` asks, `filled` puts the answers beside their panels, `fields` knows units, colours and limits as Grafana
does, `figures` draws one panel of each type as SVG, `grid` places panels for a width, `page` and `html` put all together.
"""
