{{- define "db.call" -}}{{ include (index . 0) (index . 1) }}{{- end -}}
